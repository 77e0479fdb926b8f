//! Sockets in the file system: those of the machine are out of reach, those of a command work.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::Path;

use pybisect::process::ChildSpec;

use crate::sandbox::{Slot, finish};
use crate::support::sandbox::sandboxes_of_all_kinds;

/// Says which of the files are read and of the sockets are reached, and whether its own works.
const REACH: &str = r#"
import os, socket, sys, time
os.chdir(sys.argv[1])
def reached(name):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET:
        try:
            socket.socket(socket.AF_UNIX, kind).connect(name)
            return name
        except OSError:
            pass
print(open("folder/file").read(), *filter(None, map(reached, ("folder/there", "top"))))
own = sys.argv[2] + "/own"
server = socket.socket(socket.AF_UNIX)
server.bind(own)
server.listen()
print(bool(reached(own)))
"#;

#[test]
fn sockets_of_services_are_out_of_reach_and_files_beside_them_are_not() {
    // Not in a folder for temporary files, which a command has for itself.
    let place = tempfile::Builder::new().prefix("s").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let folder = place.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file"), "read").unwrap();
    // By short names: the kernel takes no long ones.
    let listen = |path: &Path| {
        let number = fs::File::open(path.parent().unwrap()).unwrap();
        let short = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&number));
        UnixListener::bind(Path::new(&short).join(path.file_name().unwrap())).unwrap()
    };
    let _there = [listen(&folder.join("there")), listen(&place.path().join("top"))];
    for (name, sandbox) in sandboxes_of_all_kinds() {
        let slot = Slot::new();
        let (at, own) = (place.path().display().to_string(), slot.path("tmp").display().to_string());
        let words = ["python3", "-c", REACH, &at, &own];
        let outside = finish(&ChildSpec { confinement: None, ..slot.spec(&sandbox, &words) });
        assert_eq!(outside.stdout.text, "read folder/there top\nTrue\n", "{}", outside.stderr.text);
        fs::remove_file(slot.path("tmp/own")).unwrap();
        let inside = finish(&slot.spec(&sandbox, &words)).stdout.text;
        // With less than namespaces they are reached, as the report says.
        if ["namespaces", "bubblewrap"].contains(&name) {
            assert_eq!(inside, "read\nTrue\n", "{name}");
        }
    }
}
