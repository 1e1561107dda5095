import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/** Where changed cells go; of each one the last say stands. */
interface CellWriter extends Closeable {
    void write(Cell cell) throws IOException;

    /** Returns when all that was written is there. */
    void flush() throws IOException;

    /** `kind` is `files`, with a folder, where `name` makes the file, or `cassandra`, with host:port/keyspace. */
    static CellWriter of(String kind, String where, String name) {
        return kind.equals("files") ? new FileCells(Path.of(where, name + ".jsonl")) : new CassandraCells(where);
    }
}
