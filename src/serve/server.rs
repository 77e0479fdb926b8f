//! Connections: how many, how slow, how large. What comes through is a request that is whole and small, of a peer that is
//! known.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// Connections at the same time.
const MOST_CONNECTIONS: usize = 512;
/// The longest time until a request's headers are there; a connection without a request is closed after it as well.
const HEADERS: Duration = Duration::from_secs(5);
/// The longest time for a handshake.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// After this time a connection takes no further request, and after that it is closed. A live view lasts until then.
const LASTS: Duration = Duration::from_secs(60);
const LASTS_AT_MOST: Duration = Duration::from_secs(900);
/// Headers of a request, and bytes of them.
const MOST_HEADERS: usize = 64;
const MOST_HEADER_BYTES: usize = 16 * 1024;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// The peer of a request.
pub(super) fn peer<T>(request: &Request<T>) -> Option<Peer> {
    request.extensions().get::<Peer>().copied()
}

/// Take connections, until whoever waits for this does no more.
pub(super) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
) -> io::Error {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let acceptor = tls.map(TlsAcceptor::from);
    loop {
        // Those for whom there is no room wait where the system has them wait.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return io::Error::other("no connections any more");
        };
        let Ok((stream, peer)) = listener.accept().await else {
            // No more files, for the moment; or a peer that is gone already.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            talk(stream, acceptor, Peer(peer), router).await;
            drop(permit);
        });
    }
}

async fn talk(stream: TcpStream, acceptor: Option<TlsAcceptor>, peer: Peer, router: Router) {
    // An answer is one small packet: it does not wait for another.
    let _unlikely = stream.set_nodelay(true);
    match acceptor {
        None => answer(stream, peer, router).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, acceptor.accept(stream)).await {
                answer(stream, peer, router).await;
            }
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send, peer: Peer, router: Router) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let router = router.clone();
        async move { tower_of(router, request.map(Body::new)).await }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(MOST_HEADERS)
        .max_buf_size(MOST_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // What a peer does wrong is no error of ours.
    if timeout(LASTS, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _closed = timeout(LASTS_AT_MOST, connection).await;
    }
}

async fn tower_of(
    router: Router,
    request: Request<Body>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    use hyper::service::Service as _;

    hyper_util::service::TowerToHyperService::new(router).call(request).await
}
