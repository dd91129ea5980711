// SPDX-License-Identifier: MIT
// HelloServer - greets every client with one string, as it is done in a classroom
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;

public class HelloServer {
	/** Usage: java HelloServer [PORT [FILE-WITH-THE-GREETING]]; port 0 is any free one. */
	public static void main(String[] args) throws IOException {
		int port = args.length > 0 ? Integer.parseInt(args[0]) : 6666;
		String greeting = args.length > 1 ? Files.readString(Path.of(args[1])) : "HELLO";

		try (ServerSocket server = new ServerSocket(port)) {
			System.out.println("listening on port " + server.getLocalPort());
			while (true)
				greet(server, greeting);
		}
	}

	private static void greet(ServerSocket server, String greeting) throws IOException {
		try (Socket client = server.accept()) {
			System.out.println("client " + client.getRemoteSocketAddress());
			// Two bytes of length, then the string in modified UTF-8.
			new DataOutputStream(client.getOutputStream()).writeUTF(greeting);
		}
	}
}
