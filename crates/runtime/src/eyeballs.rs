//! Happy eyeballs (RFC 8305): the addresses of a name are tried in turn and side by side, and the first that answers
//! is taken, so that a family of addresses that leads nowhere costs a quarter of a second and not a deadline.
//!
//! What is tried, and how, is the caller's: nothing here opens a socket.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::sleep;

/// RFC 8305 §4: families take turns, beginning with that of the first address; within each, the order is kept.
pub(crate) fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv4) else { return addresses };
    let (ours, theirs): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
    let mut turns = Vec::with_capacity(ours.len() + theirs.len());
    loop {
        let pair = [ours.next(), theirs.next()];
        if pair.iter().all(Option::is_none) {
            return turns;
        }
        turns.extend(pair.into_iter().flatten());
    }
}

/// Attempts that are under way.
struct Attempts<A>(Vec<Pin<Box<A>>>);

impl<T, E, A: Future<Output = Result<T, E>>> Attempts<A> {
    /// The outcome of the attempt that ends next.
    async fn next(&mut self) -> Result<T, E> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        for index in 0..self.0.len() {
            let Some(attempt) = self.0.get_mut(index) else { break };
            if let Poll::Ready(outcome) = attempt.as_mut().poll(context) {
                drop(self.0.swap_remove(index));
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    }
}

/// The first success of `attempt` over `addresses`; the next address is tried at a failure, and after `stagger` without
/// an outcome. What is still under way when one has succeeded is dropped. `None` for no addresses; otherwise the last
/// failure where all fail.
pub(crate) async fn race<T, E, A>(
    addresses: Vec<SocketAddr>,
    stagger: Duration,
    attempt: impl Fn(SocketAddr) -> A,
) -> Option<Result<T, E>>
where
    A: Future<Output = Result<T, E>>,
{
    let mut waiting = addresses.into_iter();
    let mut under_way = Attempts(vec![Box::pin(attempt(waiting.next()?))]);
    loop {
        let mut turn = pin!(sleep(stagger));
        let outcome = tokio::select! {
            biased;
            outcome = under_way.next() => Some(outcome),
            () = &mut turn, if waiting.len() > 0 => None,
        };
        match (outcome, waiting.next()) {
            (Some(Ok(won)), _) => return Some(Ok(won)),
            (_, Some(next)) => under_way.0.push(Box::pin(attempt(next))),
            (Some(Err(failure)), None) if under_way.0.is_empty() => return Some(Err(failure)),
            (Some(Err(_)) | None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn families_take_turns() {
        let given = addresses(&["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1", "192.0.2.1:1", "192.0.2.2:1"]);
        let turns = addresses(&["[2001:db8::1]:1", "192.0.2.1:1", "[2001:db8::2]:1", "192.0.2.2:1", "[2001:db8::3]:1"]);
        assert_eq!(interleaved(given), turns);
        let one_family = addresses(&["192.0.2.1:1", "192.0.2.2:1"]);
        assert_eq!(interleaved(one_family.clone()), one_family);
        assert!(interleaved(Vec::new()).is_empty());
    }

    /// What each address does: answers, fails, or neither.
    #[derive(Clone, Copy, PartialEq)]
    enum Does {
        Answer,
        Fail,
        Nothing,
    }

    /// Ports are places in `doing`. Returns the outcome and what was tried.
    async fn raced(doing: &[Does], stagger: Duration) -> (Option<Result<u16, u16>>, Vec<u16>) {
        let tried = Mutex::new(Vec::new());
        let ports = 0..u16::try_from(doing.len()).unwrap();
        let addresses = ports.map(|port| SocketAddr::new([192, 0, 2, 1].into(), port)).collect();
        let outcome = race(addresses, stagger, |address| {
            let port = address.port();
            tried.lock().unwrap().push(port);
            async move {
                match doing[usize::from(port)] {
                    Does::Answer => Ok(port),
                    Does::Fail => Err(port),
                    Does::Nothing => std::future::pending().await,
                }
            }
        });
        let outcome = outcome.await;
        (outcome, tried.into_inner().unwrap())
    }

    #[tokio::test]
    async fn the_first_that_answers_is_taken() {
        use Does::{Answer, Fail, Nothing};
        let (long, short) = (Duration::from_secs(600), Duration::from_millis(5));
        assert_eq!(raced(&[], long).await, (None, vec![]));
        assert_eq!(raced(&[Answer, Answer], long).await, (Some(Ok(0)), vec![0]));
        // A failure is not waited on.
        assert_eq!(raced(&[Fail, Fail, Answer], long).await, (Some(Ok(2)), vec![0, 1, 2]));
        assert_eq!(raced(&[Fail, Fail], long).await, (Some(Err(1)), vec![0, 1]));
        // Silence is, for a moment each.
        assert_eq!(raced(&[Nothing, Nothing, Answer, Answer], short).await, (Some(Ok(2)), vec![0, 1, 2]));
        assert_eq!(raced(&[Nothing, Fail, Answer], short).await, (Some(Ok(2)), vec![0, 1, 2]));
    }
}
