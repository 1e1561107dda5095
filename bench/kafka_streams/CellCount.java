import java.util.HashSet;
import java.util.Set;

/** What was counted of a cell, whichever task counts. */
final class CellCount {
    private final CellKey key;
    private final Set<String> listeners = new HashSet<>();
    private long plays, skips;
    private boolean isWaiting;

    CellCount(CellKey key) {
        this.key = key;
    }

    /** True when the cell did not wait to be written before. */
    synchronized boolean add(Event event) {
        plays += event.isPlay() ? 1 : 0;
        skips += event.isSkip() ? 1 : 0;
        listeners.add(event.user());
        boolean isFirst = !isWaiting;
        isWaiting = true;
        return isFirst;
    }

    /** The cell to be written now. */
    synchronized Cell taken() {
        isWaiting = false;
        return new Cell(key, plays, skips, listeners.size());
    }
}
