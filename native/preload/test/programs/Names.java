import java.net.InetAddress;

/** Names NAME ADDRESS: what Java finds by the C library. */
public class Names {
	public static void main(String[] args) throws Exception {
		for (InetAddress address : InetAddress.getAllByName(args[0])) System.out.println(address);
		System.out.println(InetAddress.getByName(args[1]).getCanonicalHostName());
	}
}
