//! Bytes in both directions, until one side ends, nothing comes for too long, or it is no longer allowed.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tracing::debug;

use crate::exchange::Exchange;
use crate::splice::{PIPE_BYTES, Pipe};

/// Bytes moved at a time at first. Where there are as many and all are taken, the kernel moves those after them, more each
/// time; a peer that takes less has no more than a first splice waiting for it.
const PIECE_BYTES: usize = 16 * 1024;
const GROWTH: usize = 4;

thread_local! {
    /// One buffer for each thread: a tunnel holds memory only while its peer does not take what was read.
    static PIECE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(PIECE_BYTES));
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Down,
}

impl Exchange {
    fn count(&self, direction: Direction, bytes: usize) {
        match direction {
            Direction::Up => self.count_up(bytes),
            Direction::Down => self.count_down(bytes),
        }
    }
}

/// Joins two sockets for as long as the exchange is allowed.
pub(crate) async fn join_sockets(exchange: &Arc<Exchange>, client: TcpStream, site: TcpStream) {
    let (client_read, client_write) = client.into_split();
    let (site_read, site_write) = site.into_split();
    // An end of one direction leaves the other; a failure ends both, since nothing more can come of them.
    let both = async {
        tokio::try_join!(
            pump_socket(exchange, client_read, site_write, Direction::Up),
            pump_socket(exchange, site_read, client_write, Direction::Down),
        )
    };
    while_allowed(exchange, both).await;
}

/// The same for any two streams.
pub(crate) async fn join_streams<A, B>(exchange: &Arc<Exchange>, client: A, site: B)
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (client_read, client_write) = tokio::io::split(client);
    let (site_read, site_write) = tokio::io::split(site);
    let both = async {
        tokio::try_join!(
            pump(exchange, client_read, site_write, Direction::Up),
            pump(exchange, site_read, client_write, Direction::Down),
        )
    };
    while_allowed(exchange, both).await;
}

/// Joins the two ends of a request that changed its protocol.
pub(crate) fn join_upgraded(exchange: &Arc<Exchange>, client: OnUpgrade, site: OnUpgrade) {
    let exchange = Arc::clone(exchange);
    let tasks = exchange.door.tasks.clone();
    tasks.spawn("upgraded connection", async move {
        match tokio::try_join!(client, site) {
            Ok((client, site)) => join_streams(&exchange, TokioIo::new(client), TokioIo::new(site)).await,
            Err(error) => debug!("a change of protocol was not completed: {error}"),
        }
    });
}

async fn while_allowed<T>(exchange: &Arc<Exchange>, both: impl Future<Output = T>) {
    exchange.door.meters.tunnels.add(1);
    let stand = exchange.stand();
    tokio::select! {
        _ = both => {}
        () = stand => {}
        () = silence(exchange) => {}
    }
    exchange.door.meters.tunnels.add(-1);
}

/// Returns when nothing has come for between one and two idle times.
async fn silence(exchange: &Exchange) {
    let mut seen = exchange.bytes();
    loop {
        tokio::time::sleep(exchange.door.settings.limits.tunnel_idle).await;
        let now = exchange.bytes();
        if now == seen {
            return;
        }
        seen = now;
    }
}

async fn pump_socket(
    exchange: &Exchange,
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    direction: Direction,
) -> io::Result<()> {
    let mut most = PIECE_BYTES;
    loop {
        from.readable().await?;
        // Two calls and a pipe are not worth it for a few words.
        let moved = match (PIECE_BYTES < most).then(Pipe::of_thread) {
            Some(Ok(pipe)) => pipe.carry(from.as_ref(), to.as_ref(), most),
            Some(Err(_)) | None => move_piece(&from, &to),
        };
        match moved {
            Ok(Moved::End) => break,
            Ok(Moved::All(count)) => {
                exchange.count(direction, count);
                most = if PIECE_BYTES <= count { (most * GROWTH).min(PIPE_BYTES) } else { PIECE_BYTES };
                // Between two ends that never make us wait, the other direction and the end of the permission have a
                // turn too.
                tokio::task::coop::consume_budget().await;
            }
            Ok(Moved::Some(count, rest)) => {
                exchange.count(direction, count);
                most = PIECE_BYTES;
                write_rest(&to, &rest).await?;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    // Dropping the half ends this direction only.
    drop(to);
    Ok(())
}

pub(crate) enum Moved {
    End,
    All(usize),
    /// Bytes read in all, and those that the other side did not take yet.
    Some(usize, Vec<u8>),
}

fn move_piece(from: &OwnedReadHalf, to: &OwnedWriteHalf) -> io::Result<Moved> {
    PIECE.with_borrow_mut(|piece| {
        piece.clear();
        let count = from.try_read_buf(&mut (&mut *piece))?;
        if count == 0 {
            return Ok(Moved::End);
        }
        let written = match to.try_write(piece) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        match piece.get(written..) {
            None | Some([]) => Ok(Moved::All(count)),
            Some(rest) => Ok(Moved::Some(count, rest.to_vec())),
        }
    })
}

async fn write_rest(to: &OwnedWriteHalf, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn pump(
    exchange: &Exchange,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    direction: Direction,
) -> io::Result<()> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    while from.read_buf(&mut piece).await? > 0 {
        exchange.count(direction, piece.len());
        to.write_all(&piece).await?;
        to.flush().await?;
        piece.clear();
    }
    to.shutdown().await
}
