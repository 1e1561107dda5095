import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The part of a side that is compared; its cost goes where `bench.measure` looks for it. */
interface Work {
    void run() throws Exception;

    static void measure(Work work) throws Exception {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpu = system.getProcessCpuTime(), started = System.nanoTime();
        work.run();
        double wallSeconds = (System.nanoTime() - started) / 1e9, cpuSeconds = (system.getProcessCpuTime() - cpu) / 1e9;
        Files.writeString(Path.of(System.getenv("TONEARM_BENCH_ANSWER")),
                "{\"wall\": " + wallSeconds + ", \"cpu\": " + cpuSeconds + "}");
    }
}
