//! One connection: from a program to the host that it asks for.

use std::io;
use std::io::Write as _;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use super::admission::{Reach, is_near};
use super::request::Request;
use super::shared::Shared;

/// How long a program takes to ask, at most.
const TO_ASK: Duration = Duration::from_secs(30);
/// How long an address may take to answer before the next one is tried.
const TO_CONNECT: Duration = Duration::from_secs(10);
/// How long neither side says anything, at most.
const SILENCE: Duration = Duration::from_secs(600);

/// A place that is not connected to.
pub(super) struct Refused(pub(super) String);

/// Serve one program.
pub(super) fn serve(mut client: TcpStream, shared: &Shared, learns: bool) -> Result<(), Refused> {
    let _limited = client.set_read_timeout(Some(TO_ASK));
    let Ok(request) = Request::read(&mut client) else {
        answer(&mut client, "400 Bad Request", "");
        return Ok(());
    };
    if request.header("proxy-authorization") != Some(&shared.authorization) {
        // Some programs say their word only when they are asked for it.
        answer(
            &mut client,
            "407 Proxy Authentication Required",
            "Proxy-Authenticate: Basic realm=\"pybisect\"\r\n",
        );
        return Ok(());
    }
    let Request { host, port, .. } = &request;
    let refused = || Refused(format!("{host}:{port}"));
    let Some(reach) = shared.admission.reach(host, *port, learns) else {
        answer(&mut client, "403 Forbidden", "");
        return Err(refused());
    };
    match connected(&request, reach, shared) {
        Ok((host_end, head)) => {
            if learns {
                shared.admission.learn(host);
            }
            // What is not delivered, the program asks for again.
            drop(relay(client, host_end, &request, head));
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            answer(&mut client, "403 Forbidden", "");
            Err(refused())
        }
        Err(_) => {
            answer(&mut client, "502 Bad Gateway", "");
            Ok(())
        }
    }
}

fn answer(client: &mut TcpStream, status: &str, header: &str) {
    let text = format!("HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n");
    // Who is gone needs no answer.
    drop(client.write_all(text.as_bytes()));
}

/// A connection to the host, or to the user's proxy, and what is said there first. Where it is a tunnel through a proxy,
/// that answers the program itself.
fn connected(request: &Request, reach: Reach, shared: &Shared) -> io::Result<(TcpStream, Option<String>)> {
    let Request { host, port, is_tunnel, .. } = request;
    let Some(upstream) = shared.upstreams.of(host, *is_tunnel) else {
        let stream = connect(host, *port, reach)?;
        return Ok((stream, (!is_tunnel).then(|| request.head(None))));
    };
    // Its names are its own; but what is this machine's is known here.
    let is_this_machine = host.as_str() == "localhost" || host.ends_with(".localhost");
    let literal = host.trim_matches(['[', ']']).parse::<IpAddr>();
    if reach == Reach::Elsewhere && (is_this_machine || literal.is_ok_and(is_near)) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let stream = connect(&upstream.host, upstream.port, Reach::Any)?;
    let authorization = upstream.authorization.as_deref();
    let head = if *is_tunnel {
        let word = authorization.map(|word| format!("Proxy-Authorization: {word}\r\n")).unwrap_or_default();
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{word}\r\n")
    } else {
        request.head(Some(authorization))
    };
    Ok((stream, Some(head)))
}

fn connect(host: &str, port: u16, reach: Reach) -> io::Result<TcpStream> {
    let mut addresses: Vec<SocketAddr> = (host.trim_matches(['[', ']']), port).to_socket_addrs()?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    if reach == Reach::Elsewhere {
        let count = addresses.len();
        addresses.retain(|address| !is_near(address.ip()));
        if count > 0 && addresses.is_empty() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, TO_CONNECT) {
            Ok(stream) => return Ok(stream),
            // Not to be taken for a refusal of ours.
            Err(error) => last = io::Error::other(error),
        }
    }
    Err(last)
}

fn relay(
    mut client: TcpStream,
    mut host: TcpStream,
    request: &Request,
    head: Option<String>,
) -> io::Result<()> {
    for stream in [&client, &host] {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        stream.set_nodelay(true)?;
    }
    match head {
        Some(head) => host.write_all(head.as_bytes())?,
        None => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?,
    }
    host.write_all(&request.rest)?;
    let (mut from_client, mut to_host) = (client.try_clone()?, host.try_clone()?);
    let upwards = std::thread::spawn(move || {
        drop(io::copy(&mut from_client, &mut to_host));
        drop(to_host.shutdown(Shutdown::Write));
    });
    drop(io::copy(&mut host, &mut client));
    // What the program would still say, nobody hears.
    drop(client.shutdown(Shutdown::Both));
    drop(upwards.join());
    Ok(())
}
