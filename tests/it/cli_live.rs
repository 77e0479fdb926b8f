//! The live view, as it is seen on a terminal of 24 rows of 80 columns.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use nix::pty::{Winsize, openpty};

use crate::support::{TestRepo, User};

/// What a command shows on standard error once a screen is as wanted, after which it is let go on, and at its end.
fn screens(
    command: &mut std::process::Command,
    is_wanted: impl Fn(&str) -> bool,
    go_on: impl FnOnce(),
) -> [String; 2] {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let ends = openpty(&size, None).unwrap();
    command.env_remove("CI").env("TERM", "xterm").stdout(Stdio::null()).stderr(ends.slave);
    let mut child = command.spawn().unwrap();
    // The command has the other end alone now: when it is gone, reading ends.
    command.stderr(Stdio::null());
    let mut terminal = vt100::Parser::new(24, 80, 0);
    let (mut master, mut bytes) = (File::from(ends.master), [0; 4096]);
    let (mut wanted, mut go_on) = (String::new(), Some(go_on));
    while let Ok(count @ 1..) = master.read(&mut bytes) {
        terminal.process(&bytes[..count]);
        let screen = terminal.screen();
        // Rows are filled with blanks to the last column.
        let is_too_wide = |(row, text): (u16, String)| screen.row_wrapped(row) && !text.ends_with(' ');
        assert!(!(0..24).zip(screen.rows(0, 80)).any(is_too_wide), "too wide:\n{}", screen.contents());
        if go_on.is_some() && is_wanted(&screen.contents()) {
            wanted = screen.contents();
            go_on.take().unwrap()();
        }
    }
    assert!(child.wait().unwrap().success());
    [wanted, terminal.screen().contents()]
}

#[test]
fn each_worker_is_shown_with_its_phase_and_what_it_printed_last_and_nothing_of_it_stays() {
    let (repo, commits) = TestRepo::with_versions(&["a = 0\n", "a = 1\n", "a = 2\n", "a = 3\n", "a = 4\n"]);
    let user = User::new();
    let go = user.home().join("go");
    let script = format!(
        "import app, os, time\nprint('loading token=s3cr3t-4711-of-the-gateway', 'x' * 200, flush=True)\n\
         print('tests/test_app.py ', end='', flush=True)\n\
         while not os.path.exists('{}'): time.sleep(.02)\nassert app.a < 3",
        go.display()
    );
    let words =
        ["find", "-j", "2", "--isolation", "off", "--no-narrow", "--good", &commits[0].to_string(), "--"];
    let words: Vec<&str> = words.into_iter().chain(["python3", "-u", "-c", &script]).collect();
    let [running, ended] = screens(
        &mut user.command(repo.path(), &words),
        |screen| screen.matches("tests/test_app.py").count() == 2,
        || std::fs::write(&go, "").unwrap(),
    );
    assert_eq!(running.matches("  running  ").count(), 2, "{running}");
    assert!(!ended.contains("running") && !ended.contains("test_app.py"), "{ended}");
    assert!(!ended.contains("left · about"), "{ended}");
}

#[test]
fn what_a_trial_prints_is_masked_and_cut_on_the_way_to_the_screen() {
    let (repo, commits) = TestRepo::with_versions(&["a = 0\n", "a = 1\n"]);
    let user = User::new();
    let go = user.home().join("go");
    let script = format!(
        "import app, os, time\nprint('login token=s3cr3t-4711-of-the-gateway \\x1b[2J', 'x' * 200, flush=True)\n\
         while not os.path.exists('{}'): time.sleep(.02)\nassert app.a < 1",
        go.display()
    );
    let words = ["find", "--isolation", "off", "--no-narrow", "--good", &commits[0].to_string(), "--"];
    let words: Vec<&str> = words.into_iter().chain(["python3", "-c", &script]).collect();
    let [running, _] = screens(
        &mut user.command(repo.path(), &words),
        |screen| screen.contains("login"),
        || std::fs::write(&go, "").unwrap(),
    );
    assert!(running.contains("login token=[redacted] [2J xxx"), "{running}");
    assert!(!running.contains("s3cr3t"), "{running}");
}
