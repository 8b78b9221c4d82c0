//! Runs hyper's own tasks among ours, so that a drain knows of them.

use std::future::Future;

use hyper::rt::Executor;
use schoolgate_runtime::Tasks;

#[derive(Clone)]
pub(crate) struct Spawner(pub(crate) Tasks);

impl<F> Executor<F> for Spawner
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn("stream of a connection", async move {
            future.await;
        });
    }
}
