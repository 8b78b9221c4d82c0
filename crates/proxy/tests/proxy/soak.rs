//! Everything at once for a while: no wrong verdict, nothing that outlives its permission, nothing left behind.
//!
//! `cargo xtask soak` runs it for ten minutes; among the other tests it takes some seconds.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::kit::*;
use crate::school::{live, live_granting};
use crate::standing::hello;
use crate::two;

const SECONDS: &str = "SCHOOLGATE_SOAK_SECONDS";
/// Opened for staff and closed again, all the time.
const TOGGLED: &str = "hold.example";
/// A click reaches every door in a second; an unoptimised build on a busy machine gets longer.
const REACHED_WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 8 } else { 1 });

/// What the newest root says of the toggled site. Even epochs are settled; in odd ones a root is being swapped.
struct Truth {
    epoch: AtomicU64,
    is_open: watch::Sender<bool>,
}

impl Truth {
    /// What must have been answered to something that was asked and answered since `epoch`; `None` when both were right.
    fn since(&self, epoch: u64) -> Option<bool> {
        let is_open = *self.is_open.borrow();
        (epoch.is_multiple_of(2) && self.epoch.load(Ordering::SeqCst) == epoch).then_some(is_open)
    }
}

struct Soak {
    kit: Kit,
    truth: Truth,
    end: Instant,
    /// That are open or being opened.
    tunnels: watch::Sender<usize>,
    checked: AtomicUsize,
}

impl Soak {
    fn goes_on(&self) -> bool {
        Instant::now() < self.end
    }

    fn checked(&self) {
        self.checked.fetch_add(1, Ordering::Relaxed);
    }

    async fn publish(&self) -> usize {
        let mut published = 0;
        let mut pause = tokio::time::interval(Duration::from_millis(60));
        while self.goes_on() {
            pause.tick().await;
            let is_open = !*self.truth.is_open.borrow();
            self.truth.epoch.fetch_add(1, Ordering::SeqCst);
            self.kit.publish_with(if is_open { live_granting(TOGGLED) } else { live() }, true);
            self.truth.is_open.send_replace(is_open);
            self.truth.epoch.fetch_add(1, Ordering::SeqCst);
            if !is_open {
                self.all_tunnels_close().await;
            }
            self.kit.forget();
            published += 1;
        }
        self.kit.publish_with(live(), true);
        self.all_tunnels_close().await;
        published
    }

    /// Plain requests, to the site that is toggled and to others that never change.
    async fn ask(&self) {
        while self.goes_on() {
            let epoch = self.truth.epoch.load(Ordering::SeqCst);
            let answer = self.kit.get(TESS, &format!("http://{TOGGLED}/")).await;
            match self.truth.since(epoch) {
                Some(true) => assert!(answer.starts_with("HTTP/1.1 200"), "open, and yet: {answer}"),
                Some(false) => assert!(answer.starts_with("HTTP/1.1 303"), "closed, and yet: {answer}"),
                None => {}
            }
            for (source, host, expected) in
                [(TESS, "news.example", "200"), (PIA, TOGGLED, "303"), (TESS, "locked.example", "303")]
            {
                let answer = self.kit.get(source, &format!("http://{host}/")).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{host}: {answer}");
            }
            self.checked();
        }
    }

    /// Tunnels, which have to close when their site does.
    async fn tunnel(&self) {
        let mut is_open = self.truth.is_open.subscribe();
        while self.goes_on() {
            self.tunnels.send_modify(|open| *open += 1);
            let (mut stream, head) = self.kit.connect(GUEST, &format!("{TOGGLED}:443")).await;
            if head.starts_with("HTTP/1.1 200") {
                stream.write_all(&hello(TOGGLED)).await.unwrap();
                read_all(&mut stream).await;
                self.checked();
            }
            self.tunnels.send_modify(|open| *open -= 1);
            if timeout_at(self.end, is_open.wait_for(|is_open| *is_open)).await.is_err() {
                return;
            }
        }
    }

    /// Nothing that was allowed before stays open.
    async fn all_tunnels_close(&self) {
        let mut tunnels = self.tunnels.subscribe();
        let none = timeout(REACHED_WITHIN, tunnels.wait_for(|open| *open == 0)).await;
        assert!(none.is_ok(), "a tunnel outlives its permission");
    }

    /// Requests side by side inside a decrypted connection.
    async fn look_inside(&self) {
        while self.goes_on() {
            let mut sender = two::client(&self.kit).await;
            for number in 0..50 {
                let response = soon(sender.send_request(two::get(&format!("/{number}")))).await.unwrap();
                assert_eq!(response.status(), 200);
                assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
                self.checked();
            }
        }
    }

    /// Clients that begin and do not go on.
    async fn dawdle(&self) {
        while self.goes_on() {
            let mut stream = self.kit.dial(TESS).await;
            stream.write_all(b"GET http://news.example/ HTT").await.unwrap();
            read_all(&mut stream).await;
            self.checked();
        }
    }

    /// Sites that are dead, dumb or broken.
    async fn fail(&self) {
        while self.goes_on() {
            for (url, expected) in [
                ("http://dead.example/", "303"),
                ("http://nowhere.example/", "303"),
                ("http://news.example/garbage", "303"),
                ("http://news.example/silent", "303"),
            ] {
                let answer = self.kit.get(TESS, url).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {expected}")), "{url}: {answer}");
                assert!(answer.contains("/unreachable?"), "{url}: {answer}");
            }
            self.checked();
        }
    }
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Resident memory, in pages.
fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "how long is said from outside")]
async fn everything_at_once_leaves_nothing_behind() {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        before(panic);
    }));
    let kit = Kit::start_with(|limits| {
        limits.head_deadline = Duration::from_secs(1);
        limits.response_deadline = Duration::from_secs(1);
        limits.pool_idle = Duration::from_secs(1);
    })
    .await;
    kit.publish_with(live(), true);
    let (files, tasks) = (open_files(), kit.tasks.running());
    let truth = Truth { epoch: AtomicU64::new(0), is_open: watch::Sender::new(false) };
    let end = Instant::now() + Duration::from_secs(seconds);
    let soak = Soak { kit, truth, end, tunnels: watch::Sender::new(0), checked: AtomicUsize::new(0) };
    let resident_early = async {
        tokio::time::sleep_until(Instant::now() + Duration::from_secs(seconds) / 3).await;
        resident()
    };
    let tunnels = async { tokio::join!(soak.tunnel(), soak.tunnel(), soak.tunnel(), soak.tunnel()) };
    let (published, early, ..) = tokio::join!(
        soak.publish(),
        resident_early,
        soak.ask(),
        soak.ask(),
        tunnels,
        soak.look_inside(),
        soak.dawdle(),
        soak.dawdle(),
        soak.fail(),
    );
    // What is kept is let go in its time.
    while 0 < soak.kit.proxy.standing() || tasks + 8 < soak.kit.tasks.running() || files + 16 < open_files() {
        tokio::task::yield_now().await;
        assert!(Instant::now() < soak.end + Duration::from_secs(30), "{} files are open, {files} were", open_files());
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
    assert!(resident() < early * 3 / 2, "memory grew from {early} to {} pages", resident());
    let checked = soak.checked.load(Ordering::Relaxed);
    assert!(published > 20 && checked > 50, "{published} roots, {checked} checks");
}
