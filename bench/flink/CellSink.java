import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.types.Row;

/** Changed cells to a file of JSON lines for each subtask, or to Cassandra; `where` is a folder or host:port/keyspace. */
public record CellSink(String kind, String where) implements Sink<Row> {
    @Override
    public SinkWriter<Row> createWriter(WriterInitContext context) {
        int subtask = context.getTaskInfo().getIndexOfThisSubtask();
        return kind.equals("files") ? new ToFile(Path.of(where, subtask + ".jsonl")) : new CassandraCells(where);
    }

    private static final class ToFile implements SinkWriter<Row> {
        private final Writer file;

        ToFile(Path path) {
            try {
                Files.createDirectories(path.getParent());
                file = Files.newBufferedWriter(path);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }

        @Override
        public void write(Row cell, Context context) throws IOException {
            // what is written are ids and country codes of the simulator, which need no escapes
            file.write("{\"window_start\":\"" + Instant.ofEpochSecond(60 * (long) cell.getField(0))
                    + "\",\"country\":\"" + cell.getField(1) + "\",\"track_id\":\"" + cell.getField(2)
                    + "\",\"play_count\":" + cell.getField(3) + ",\"skip_count\":" + cell.getField(4)
                    + ",\"listener_count\":" + cell.getField(5) + "}\n");
        }

        @Override
        public void flush(boolean isEnd) throws IOException {
            file.flush();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
