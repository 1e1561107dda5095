import java.io.IOException;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.types.Row;

/** Changed cells to a file for each subtask, or to Cassandra; what the places are, `CellWriter` says. */
public record CellSink(String kind, String where) implements Sink<Row> {
    @Override
    public SinkWriter<Row> createWriter(WriterInitContext context) {
        return new Rows(CellWriter.of(kind, where, "" + context.getTaskInfo().getIndexOfThisSubtask()));
    }

    private record Rows(CellWriter cells) implements SinkWriter<Row> {
        @Override
        public void write(Row row, Context context) throws IOException {
            var key = new CellKey(row.getFieldAs(0), row.getFieldAs(1), row.getFieldAs(2));
            cells.write(new Cell(key, row.getFieldAs(3), row.getFieldAs(4), row.getFieldAs(5)));
        }

        @Override
        public void flush(boolean isEnd) throws IOException {
            cells.flush();
        }

        @Override
        public void close() throws IOException {
            cells.close();
        }
    }
}
