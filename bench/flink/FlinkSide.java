import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.api.Schema;
import org.apache.flink.table.api.Table;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.connector.ChangelogMode;

/**
 * Flink's side of `bench.live`: BOOTSTRAP WARM-TOPIC TOPIC COLUMNS SINK WARM-WHERE WHERE.
 *
 * The first topic is counted to warm the JVM, the second one for the measurement. COLUMNS is a file with the columns of
 * the topic as Flink's SQL declares them; SINK is `files` or `cassandra`, and what the places are, `CellWriter` says.
 */
public final class FlinkSide {
    private static final String CELLS = """
            SELECT occurred_at / 60000000 AS window_minute, COALESCE(country, 'ZZ') AS country, track_id,
              COUNT(*) FILTER (WHERE ms_played >= 30000) AS play_count,
              COUNT(*) FILTER (WHERE outcome = 'skip' OR (outcome IS NULL AND ms_played < 30000)) AS skip_count,
              COUNT(DISTINCT user_id) AS listener_count
            FROM events GROUP BY occurred_at / 60000000, COALESCE(country, 'ZZ'), track_id""";

    public static void main(String[] words) throws Exception {
        String bootstrap = words[0], columns = Files.readString(Path.of(words[3])), sink = words[4];
        count(bootstrap, words[1], columns, new CellSink(sink, words[5]));
        Work.measure(() -> count(bootstrap, words[2], columns, new CellSink(sink, words[6])));
        System.exit(0);
    }

    /** All there is of a topic, to its end. */
    private static void count(String bootstrap, String topic, String columns, CellSink sink) throws Exception {
        var settings = new Configuration();
        settings.setString("table.exec.mini-batch.enabled", "true");
        settings.setString("table.exec.mini-batch.allow-latency", "2 s");
        settings.setString("table.exec.mini-batch.size", "50000");
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("rest.port", "0");
        settings.setString("rest.bind-address", "127.0.0.1");
        settings.setString("taskmanager.memory.network.min", "128 mb");
        settings.setString("taskmanager.memory.network.max", "128 mb");
        var environment = StreamExecutionEnvironment.createLocalEnvironment(2, settings);
        var tables = StreamTableEnvironment.create(environment);
        tables.executeSql("CREATE TABLE events (" + columns + ") WITH ('connector' = 'kafka', 'topic' = '" + topic
                + "', 'properties.bootstrap.servers' = '" + bootstrap + "', 'scan.startup.mode' = 'earliest-offset',"
                + " 'scan.bounded.mode' = 'latest-offset', 'format' = 'single-object')");
        Table cells = tables.sqlQuery(CELLS);
        var schema = Schema.newBuilder()
                .column("window_minute", DataTypes.BIGINT().notNull())
                .column("country", DataTypes.STRING().notNull())
                .column("track_id", DataTypes.STRING().notNull())
                .column("play_count", DataTypes.BIGINT())
                .column("skip_count", DataTypes.BIGINT())
                .column("listener_count", DataTypes.BIGINT())
                .primaryKey("window_minute", "country", "track_id")
                .build();
        tables.toChangelogStream(cells, schema, ChangelogMode.upsert()).sinkTo(sink);
        environment.execute(topic);
    }
}
