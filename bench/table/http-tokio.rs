// http-tokio.rs: the tokio column's HTTP server, on the current-thread runtime: it has one core.
// usage: http-tokio PORT
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const KEEP: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: keep-alive\r\n\r\nHello, World!";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\nHello, World!";

fn end_of_request(text: &[u8]) -> Option<usize> {
    text.windows(4).position(|window| window == b"\r\n\r\n")
}

fn asks_to_close(head: &[u8]) -> bool {
    head.split(|byte| *byte == b'\n').any(|line| line.len() >= 17 && line[..17].eq_ignore_ascii_case(b"Connection: close"))
}

async fn serve(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    let mut length = 0;
    loop {
        while let Some(end) = end_of_request(&buffer[..length]) {
            let last = asks_to_close(&buffer[..end]);
            connection.write_all(if last { LAST } else { KEEP }).await?;
            if last {
                return Ok(());
            }
            buffer.copy_within(end + 4..length, 0);
            length -= end + 4;
        }
        match connection.read(&mut buffer[length..]).await? {
            0 => return Ok(()), // the peer has gone, or its request is too long
            read => length += read,
        }
    }
}

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080);
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(([127, 0, 0, 1], port).into())?;
        let listener = socket.listen(4096)?;
        loop {
            let (connection, _) = listener.accept().await?;
            tokio::spawn(async move {
                let _ = serve(connection).await; // a connection that breaks ends alone
            });
        }
    })
}
