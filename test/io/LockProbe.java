import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Takes a lock the way Kafka does, says "held" or "refused", and holds it until its input ends. */
public class LockProbe {
  public static void main(String[] arguments) throws Exception {
    Path path = Path.of(arguments[0]);
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      FileLock lock = channel.tryLock();
      System.out.println(lock == null ? "refused" : "held");
      System.out.flush();
      if (lock != null) System.in.read();
    }
  }
}
