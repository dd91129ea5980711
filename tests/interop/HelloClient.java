// SPDX-License-Identifier: MIT
// HelloClient - connects, reads one string, prints it, as it is done in a classroom
import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

public class HelloClient {
	/** Usage: java HelloClient [HOST [PORT]] */
	public static void main(String[] args) {
		String host = args.length > 0 ? args[0] : "localhost";
		int port = args.length > 1 ? Integer.parseInt(args[1]) : 6666;

		try (Socket socket = new Socket(host, port)) {
			String greeting = new DataInputStream(socket.getInputStream()).readUTF();
			// Not System.out itself: that would print in the encoding of the locale.
			PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
			out.print(greeting + "\n");
		} catch (IOException e) {
			System.err.println(e.getClass().getSimpleName() + ": " + e.getMessage());
			System.exit(1);
		}
	}
}
