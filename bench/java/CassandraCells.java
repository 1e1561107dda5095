import com.datastax.oss.driver.api.core.CqlSession;
import com.datastax.oss.driver.api.core.config.DefaultDriverOption;
import com.datastax.oss.driver.api.core.config.DriverConfigLoader;
import com.datastax.oss.driver.api.core.cql.AsyncResultSet;
import com.datastax.oss.driver.api.core.cql.BatchStatement;
import com.datastax.oss.driver.api.core.cql.BatchStatementBuilder;
import com.datastax.oss.driver.api.core.cql.DefaultBatchType;
import com.datastax.oss.driver.api.core.cql.PreparedStatement;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Upserts of cells, the last of each among 20,000, in unlogged batches of one partition, 64 of them on their way. */
final class CassandraCells implements CellWriter {
    private static final int GATHERED = 20_000;
    private static final int BATCH_ROWS = 50;
    private static final int ON_THE_WAY = 64;

    private final CqlSession session;
    private final PreparedStatement insert;
    private final Map<CellKey, Cell> cells = new HashMap<>();
    private final ArrayDeque<CompletionStage<AsyncResultSet>> waiting = new ArrayDeque<>();

    /** `where` is host:port/keyspace. */
    CassandraCells(String where) {
        String[] address = where.split("[:/]");
        session = CqlSession.builder()
                .addContactPoint(new InetSocketAddress(address[0], Integer.parseInt(address[1])))
                .withLocalDatacenter("datacenter1")
                .withKeyspace(address[2])
                .withConfigLoader(DriverConfigLoader.programmaticBuilder()
                        .withDuration(DefaultDriverOption.REQUEST_TIMEOUT, Duration.ofSeconds(60))
                        .build())
                .build();
        insert = session.prepare("INSERT INTO live_minute_track_plays (window_start, country, track_id, play_count,"
                + " skip_count, listener_count) VALUES (?, ?, ?, ?, ?, ?)");
    }

    @Override
    public void write(Cell cell) {
        cells.put(cell.key(), cell);
        if (cells.size() == GATHERED) {
            flush();
        }
    }

    @Override
    public void flush() {
        Map<List<Object>, List<Cell>> partitions = new HashMap<>();
        for (Cell cell : cells.values()) {
            List<Object> partition = List.of(cell.key().minute(), cell.key().country());
            partitions.computeIfAbsent(partition, key -> new ArrayList<>()).add(cell);
        }
        for (List<Cell> rows : partitions.values()) {
            for (int start = 0; start < rows.size(); start += BATCH_ROWS) {
                send(rows.subList(start, Math.min(rows.size(), start + BATCH_ROWS)));
            }
        }
        waiting.forEach(one -> one.toCompletableFuture().join());
        waiting.clear();
        cells.clear();
    }

    private void send(List<Cell> rows) {
        BatchStatementBuilder batch = BatchStatement.builder(DefaultBatchType.UNLOGGED);
        for (Cell row : rows) {
            Instant start = Instant.ofEpochSecond(60 * row.key().minute());
            batch.addStatement(insert.bind(start, row.key().country(), row.key().track(), row.plays(), row.skips(),
                    row.listeners()));
        }
        if (waiting.size() == ON_THE_WAY) {
            waiting.remove().toCompletableFuture().join();
        }
        waiting.add(session.executeAsync(batch.build()));
    }

    @Override
    public void close() {
        session.close();
    }
}
