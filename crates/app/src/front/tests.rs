use axum::routing::{get, post};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

use super::*;

/// Told when a handler was dropped before its end.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn an_act_goes_on_when_its_browser_goes() {
    let (begun, go_on, done, dropped) =
        (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let act = {
        let (begun, go_on, done) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
        post(async move || {
            begun.notify_one();
            go_on.notified().await;
            done.notify_one();
        })
    };
    let read = {
        let (begun, dropped) = (Arc::clone(&begun), Arc::clone(&dropped));
        get(async move || {
            let _dropped = Dropped(dropped);
            begun.notify_one();
            std::future::pending::<()>().await;
        })
    };
    let tasks = Tasks::new();
    let router = Router::new().route("/act", act).route("/read", read);
    let front = Front::new(router, tasks.clone(), Arc::new(|_| {}));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    front.listen(Listener::Browsers(listener), Tls::Off);

    // That the reading handler is dropped shows that the front notices a browser that has gone.
    for (head, leaves) in [("POST /act", false), ("GET /read", true)] {
        let mut browser = TcpStream::connect(address).await.unwrap();
        let request = format!("{head} HTTP/1.1\r\nhost: portal\r\ncontent-length: 0\r\n\r\n");
        browser.write_all(request.as_bytes()).await.unwrap();
        begun.notified().await;
        drop(browser);
        if leaves {
            dropped.notified().await;
        }
    }
    go_on.notify_one();
    done.notified().await;
    tasks.drain(Duration::from_secs(1)).await;
}
