import java.util.concurrent.TimeUnit;
import org.influxdb.InfluxDB;
import org.influxdb.InfluxDBException;
import org.influxdb.InfluxDBFactory;
import org.influxdb.dto.BatchPoints;
import org.influxdb.dto.Point;
import org.influxdb.dto.Query;
import org.influxdb.dto.QueryResult;

/** The calls that Flink's InfluxdbReporter makes, and a query of what it wrote. */
public class FlinkLike {
  static void check(boolean holds, Object what) {
    if (!holds) throw new AssertionError(String.valueOf(what));
  }

  static BatchPoints report(String database) {
    return BatchPoints.database(database)
        .retentionPolicy("")
        .consistency(InfluxDB.ConsistencyLevel.ONE)
        .point(
            Point.measurement("taskmanager_job_task_operator_numRecordsIn")
                .tag("host", "h 1")
                .tag("job_name", "sample, job")
                .time(1704067200123L, TimeUnit.MILLISECONDS)
                .addField("count", 9007199254740993L)
                .build())
        .build();
  }

  public static void main(String[] arguments) {
    InfluxDB client = InfluxDBFactory.connect(arguments[0], "root", "pw");
    check(client.ping().isGood(), "ping");
    client.query(new Query("CREATE DATABASE flink"));
    client.write(report("flink"));
    QueryResult answer =
        client.query(
            new Query("SELECT count FROM taskmanager_job_task_operator_numRecordsIn", "flink"),
            TimeUnit.NANOSECONDS);
    check(!answer.hasError(), answer);
    check(answer.getResults().get(0).getSeries().get(0).getValues().size() == 1, answer);
    try {
      client.write(report("no such database"));
      check(false, "an unknown database was taken");
    } catch (InfluxDBException expected) {
      check(expected.getMessage().contains("database not found"), expected);
    }
    InfluxDB nobody = InfluxDBFactory.connect(arguments[0], "null", "null");
    try {
      nobody.write(report("flink"));
      check(false, "null:null was taken with authentication on");
    } catch (InfluxDBException expected) {
      check(expected instanceof InfluxDBException.AuthorizationFailedException, expected);
    }
    client.close();
    nobody.close();
  }
}
