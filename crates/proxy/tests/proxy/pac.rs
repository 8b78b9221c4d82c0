//! The proxy's settings as a browser takes them: several gateways, of which one is dead.

use std::net::SocketAddr;

use schoolgate_proxy::in_turn;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::kit::*;

/// Where nobody listens, and what `TESS` is told to try before `alive`.
async fn dead_before(alive: SocketAddr) -> SocketAddr {
    loop {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let both = [alive.to_string(), closed.to_string()];
        if in_turn(&both, TESS.parse().unwrap())[0] == both[1] {
            return closed;
        }
    }
}

#[tokio::test]
async fn a_browser_goes_to_the_next_gateway_when_its_own_is_dead() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let alive = listener.local_addr().unwrap();
    let dead = dead_before(alive).await;
    let kit = Kit::start_as(|settings| settings.gateways.plain = [alive, dead].map(|at| at.to_string()).to_vec()).await;
    kit.proxy.serve(listener, None);
    let request = format!("GET /proxy.pac HTTP/1.1\r\nHost: {alive}\r\nConnection: close\r\n\r\n");
    let file = kit.raw(TESS, request.as_bytes()).await;
    assert!(file.contains(&format!("return \"PROXY {dead}; PROXY {alive}\";")), "{file}");
    let profile = tempfile::tempdir().unwrap();
    let chromium = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--proxy-pac-url=http://{alive}/proxy.pac"))
        .arg("http://news.example/page")
        .kill_on_drop(true)
        .output();
    let output = soon(chromium).await.expect("chromium is needed for this test");
    let page = String::from_utf8_lossy(&output.stdout);
    assert!(page.contains("content"), "{page} {}", String::from_utf8_lossy(&output.stderr));
    let seen = kit.origin.requests.lock().unwrap().clone();
    assert!(seen.iter().any(|request| request.starts_with("GET /page HTTP/1.1\r\nhost: news.example\r\n")), "{seen:?}");
}
