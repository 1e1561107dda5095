import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/** The counts of all cells, shared by all tasks since a cell's events are in every partition, and their writer. */
final class CellCounts implements Closeable {
    private final Map<CellKey, CellCount> cells = new ConcurrentHashMap<>();
    private final CountDownLatch end = new CountDownLatch(1);
    private final AtomicLong left;
    private final CellWriter writer;

    CellCounts(long messages, CellWriter writer) {
        left = new AtomicLong(messages);
        this.writer = writer;
    }

    /** Count an event; its cell is added to those of the task that wait to be written, unless it waits already. */
    void add(Event event, List<CellCount> waiting) {
        CellCount cell = cells.computeIfAbsent(event.key(), CellCount::new);
        if (cell.add(event)) {
            waiting.add(cell);
        }
        if (left.decrementAndGet() == 0) {
            end.countDown();
        }
    }

    /** One task at a time, so that what was taken of a cell later is written later. */
    synchronized void write(List<CellCount> waiting) throws IOException {
        for (CellCount cell : waiting) {
            writer.write(cell.taken());
        }
        writer.flush();
        waiting.clear();
    }

    /** Returns when all messages are counted. */
    void await() throws InterruptedException {
        end.await();
    }

    @Override
    public void close() throws IOException {
        writer.close();
    }
}
