//! Bringing up the loopback of a network namespace, by one message of rtnetlink(7), and a socket on it.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd as _;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use super::protocol::{Channel, LauncherMessage};

/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `NLM_F_REQUEST | NLM_F_ACK`.
const REQUEST_WITH_ANSWER: u16 = 0x1 | 0x4;
/// `NLMSG_ERROR`, which with the error 0 is the answer that all went well.
const ANSWER: u16 = 2;
/// `IFF_UP`.
const UP: u32 = 1;
/// In every network namespace the loopback is the first interface.
const LOOPBACK: u32 = 1;

/// Bring it up, over a socket of the protocol 0, `NETLINK_ROUTE`; the kernel then gives it its addresses.
pub(super) fn bring_loopback_up() -> io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, &message(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 256];
    let (length, _) = recv(&socket, &mut answer, RecvFlags::empty())?;
    error_in(&answer[..length]).map_or(Ok(()), Err)
}

/// Listen on a port of this loopback, for who is at the other end of the line: sockets stay in the network that they were
/// made in.
pub(super) fn listen(port: Option<u16>, line: &mut Channel) -> io::Result<()> {
    let Some(port) = port else { return Ok(()) };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    line.send_with(&LauncherMessage::Listens, listener.as_fd())
}

/// `struct nlmsghdr`, then `struct ifinfomsg`; see netlink(7) and rtnetlink(7).
fn message() -> Vec<u8> {
    let mut link = vec![0, 0, 0, 0];
    link.extend(LOOPBACK.to_ne_bytes());
    link.extend(UP.to_ne_bytes());
    link.extend(UP.to_ne_bytes());
    let length = u32::try_from(16 + link.len()).unwrap_or_default();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(NEW_LINK.to_ne_bytes());
    message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
    message.extend(1_u32.to_ne_bytes()); // the number of the message
    message.extend(0_u32.to_ne_bytes()); // to the kernel
    message.extend(link);
    message
}

/// The error that an answer tells of; `None` when it tells of success.
fn error_in(answer: &[u8]) -> Option<io::Error> {
    let broken = || Some(io::Error::other("an answer of the kernel that cannot be read"));
    let Some((kind, number)) = answer.get(4..6).zip(answer.get(16..20)) else { return broken() };
    if kind != ANSWER.to_ne_bytes() {
        return broken();
    }
    let number = i32::from_ne_bytes([number[0], number[1], number[2], number[3]]);
    (number != 0).then(|| io::Error::from_raw_os_error(-number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_it_says() {
        let message = message();
        assert_eq!(message.len(), 32);
        assert_eq!(message[..4], 32_u32.to_ne_bytes());
    }

    #[test]
    fn answers_are_read() {
        let answer = |number: i32| {
            let mut bytes = vec![0; 36];
            bytes[4..6].copy_from_slice(&ANSWER.to_ne_bytes());
            bytes[16..20].copy_from_slice(&number.to_ne_bytes());
            bytes
        };
        assert!(error_in(&answer(0)).is_none());
        assert_eq!(error_in(&answer(-1)).unwrap().kind(), io::ErrorKind::PermissionDenied);
        assert!(error_in(&[0; 5]).is_some());
    }
}
