//! Messages between our own processes: a length of four bytes (little endian), then so many bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest message, in bytes.
pub const FRAME_MAX: usize = 8 * 1024 * 1024;

/// Writes one message.
pub async fn write_frame(stream: &mut (impl AsyncWrite + Unpin), message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).ok().filter(|_| message.len() <= FRAME_MAX);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    stream.write_all(&length.to_le_bytes()).await?;
    stream.write_all(message).await?;
    stream.flush().await
}

/// Reads one message; `None` where the other side ended before it began. Must not be dropped half-way.
pub async fn read_frame(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    let (first, rest) = length.split_at_mut(1);
    if stream.read(first).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(rest).await?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if FRAME_MAX < length {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the message is too long"));
    }
    let mut message = Vec::new();
    // Room is made as bytes come, not on a length's word.
    stream.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut message).await?;
    if message.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_arrive_whole_or_not_at_all() {
        let (mut here, mut there) = tokio::io::duplex(64);
        let long = vec![7; 1_000];
        let sending = async {
            write_frame(&mut here, b"").await.unwrap();
            write_frame(&mut here, &long).await.unwrap();
            here.write_all(&[9, 0, 0, 0, 1]).await.unwrap();
            drop(here);
        };
        let reading = async {
            assert_eq!(read_frame(&mut there).await.unwrap().unwrap(), b"");
            assert_eq!(read_frame(&mut there).await.unwrap().unwrap(), long);
            assert_eq!(read_frame(&mut there).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            assert!(read_frame(&mut there).await.unwrap().is_none());
        };
        tokio::join!(sending, reading);
        let mut bad = &[255, 255, 255, 255, 0][..];
        assert_eq!(read_frame(&mut bad).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
