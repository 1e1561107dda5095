import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;

/** A line of JSON for each cell. */
final class FileCells implements CellWriter {
    private final Writer file;

    FileCells(Path path) {
        try {
            Files.createDirectories(path.getParent());
            file = Files.newBufferedWriter(path);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void write(Cell cell) throws IOException {
        // what is written are ids and country codes of the simulator, which need no escapes
        file.write("{\"window_start\":\"" + Instant.ofEpochSecond(60 * cell.key().minute())
                + "\",\"country\":\"" + cell.key().country() + "\",\"track_id\":\"" + cell.key().track()
                + "\",\"play_count\":" + cell.plays() + ",\"skip_count\":" + cell.skips()
                + ",\"listener_count\":" + cell.listeners() + "}\n");
    }

    @Override
    public void flush() throws IOException {
        file.flush();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
