import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;

/**
 * Kafka Streams' side of `bench.live`: BOOTSTRAP WARM-TOPIC TOPIC WARM-COUNT COUNT SCHEMA SINK WARM-WHERE WHERE.
 *
 * The first topic is counted to warm the JVM, the second one for the measurement; each has as many messages as is said.
 * SCHEMA is a file with the schema of the topic; SINK is `files` or `cassandra`, and what the places are, `CellWriter`
 * says. Counts are in memory, shared by the tasks: in stores of a task's own a cell would need a partition of its own,
 * so that every message would have to go through the broker a second time.
 */
public final class KafkaStreamsSide {
    static final Duration WRITTEN_EVERY = Duration.ofSeconds(2);

    public static void main(String[] words) throws Exception {
        Schema written = new Schema.Parser().parse(Path.of(words[5]).toFile());
        long warmCount = Long.parseLong(words[3]), count = Long.parseLong(words[4]);
        count(words[0], words[1], warmCount, written, CellWriter.of(words[6], words[7], "cells"));
        Work.measure(() -> count(words[0], words[2], count, written, CellWriter.of(words[6], words[8], "cells")));
    }

    /** The first `messages` of a topic, which are all. */
    private static void count(String bootstrap, String topic, long messages, Schema written, CellWriter writer)
            throws Exception {
        var builder = new StreamsBuilder();
        try (var counts = new CellCounts(messages, writer)) {
            builder.stream(topic, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                    .process(() -> new CountCells(written, counts));
            try (var streams = new KafkaStreams(builder.build(), settings(bootstrap, topic))) {
                streams.setUncaughtExceptionHandler(KafkaStreamsSide::end);
                streams.start();
                counts.await();
            }
        }
    }

    /** A thread that has failed would be waited for without end. */
    private static StreamThreadExceptionResponse end(Throwable error) {
        error.printStackTrace();
        Runtime.getRuntime().halt(1);
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    }

    private static Properties settings(String bootstrap, String topic) {
        var settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "bench-" + ProcessHandle.current().pid() + "-" + topic);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, WRITTEN_EVERY.toMillis());
        return settings;
    }
}
