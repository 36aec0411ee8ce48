//! UDP: sends a text from one address to another and prints what comes back, and from where: `OURS THEIRS TEXT`.

use wasmedge_wasi_socket::UdpSocket;

fn main() -> std::io::Result<()> {
    let arguments: Vec<_> = std::env::args().collect();
    let socket = UdpSocket::bind(arguments[1].as_str())?;
    socket.send_to(arguments[3].as_bytes(), arguments[2].as_str())?;
    let mut bytes = [0; 1024];
    let (length, from) = socket.recv_from(&mut bytes)?;
    println!("{} from {from}", String::from_utf8_lossy(&bytes[..length]));
    Ok(())
}
