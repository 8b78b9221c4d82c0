//! What is behind a tunnel: takes a TLS hello and answers it by one byte; then, for each number that is sent (eight
//! bytes, the highest first), sends so many bytes.

use schoolgate_runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::pairs::Failure;
use crate::pairs::load::Fault;

/// Header of a TLS record; its last two bytes are the length (RFC 8446 §5.1).
const RECORD_HEADER: usize = 5;
const CHUNK: usize = 64 * 1024;

pub(super) async fn serve() -> Result<(), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let tasks = Tasks::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tasks.spawn("end of a tunnel", async move {
            // It ends when the client goes away.
            let _ = answer(stream).await;
        });
    }
}

async fn answer(mut stream: TcpStream) -> Result<(), Fault> {
    let mut header = [0; RECORD_HEADER];
    stream.read_exact(&mut header).await?;
    let [_, _, _, high, low] = header;
    stream.read_exact(&mut vec![0; u16::from_be_bytes([high, low]).into()]).await?;
    stream.write_u8(1).await?;
    let chunk = vec![b'x'; CHUNK];
    loop {
        let mut left = usize::try_from(stream.read_u64().await?)?;
        while left > 0 {
            let part = chunk.get(..left.min(CHUNK)).unwrap_or(&chunk);
            stream.write_all(part).await?;
            left -= part.len();
        }
    }
}
