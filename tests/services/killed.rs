//! A response that is killed again and again, at moments that nobody chose: the end is that of one that was left alone.
//!
//! `PYBISECT_KILLED_SEEDS` is how many runs of it there are, each with moments of its own.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::respond::{ALL, Scene, state, step};
use crate::support::repo_builder::git_in;

const KILLS: usize = 20;

/// Kill it at random moments, and let the last one end.
fn killed_at_random(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let scene = Scene::new(ALL);
    let lines = || scene.written().lines().count();
    let mut words = vec!["respond", "--json", "-", "--alarm", "500 on /old"];
    let mut killed = 0;
    while killed < KILLS {
        let mut command = scene.user.command(scene.repo.path(), &words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // So much further, and a moment more: what is written down is half of what can be cut off.
        let until = lines() + random.random_range(0..7);
        while lines() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(random.random_range(0..60)));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        if let Some(status) = ended {
            assert!(status.success(), "seed {seed}: {}", scene.written());
            break;
        }
        killed += 1;
        // Where it was not even begun, it is begun.
        if !scene.written().is_empty() {
            words = vec!["respond", "--json", "-", "--resume"];
        }
    }
    let (code, incident, stderr) = match killed {
        KILLS => scene.respond(&words[3..]),
        _ => {
            let ran = scene.user.run(scene.repo.path(), &["report", "--incident", "--format", "json"]);
            (ran.code, serde_json::from_str(&ran.stdout).unwrap(), ran.stderr)
        }
    };
    let told = || format!("seed {seed}, killed {killed}: {incident:#}\n{stderr}\n{}", scene.written());
    assert_eq!((code, &incident["outcome"]), (Some(0), &"fixed".into()), "{}", told());
    assert_eq!(incident["alarms"].as_array().unwrap().len(), 1, "{}", told());
    for name in
        ["rollback", "logs", "suspects", "find", "fixes", "branch", "rollout-1", "rollout-2", "report"]
    {
        assert_eq!(state(&incident, name), "done", "{name}: {}", told());
    }
    let culprit = &step(&incident, "find")["result"]["find"]["culprits"][0]["commit"]["id"];
    assert_eq!(culprit, &scene.commit("v2.0~1"), "{}", told());
    let branch = &step(&incident, "branch")["result"]["branch"];
    let commit = branch["commit"].as_str().unwrap().to_owned();
    assert_eq!(scene.commit(branch["name"].as_str().unwrap()), commit, "{}", told());
    assert_eq!(scene.commit(&format!("{commit}~1")), scene.commit("v2.0"), "{}", told());
    assert_eq!(git_in(scene.repo.path(), &["branch", "--list", "pybisect/*"]).lines().count(), 1);
    // The service tells its version: nothing is deployed twice.
    assert_eq!(scene.deployed(1), [scene.commit("v1.0"), commit.clone()], "{}", told());
    assert_eq!(scene.deployed(0), [commit], "{}", told());
    assert_eq!(scene.asked(), "200", "{}", told());
    // For whoever runs many of them.
    drop(writeln!(std::io::stderr(), "seed {seed}: killed {killed} times"));
}

/// A service that takes what is deployed a while after the deploy has ended, as one does whose workers change places one by
/// one; whoever was killed meanwhile does not order it again.
#[test]
fn what_is_deployed_and_not_yet_taken_is_waited_for() {
    let scene = Scene::new("auto = ['rollback']");
    let (slow, ordered) = (scene.at("slow"), scene.at("ordered"));
    let taken = scene.at("taken");
    let script = format!(
        "#!/bin/sh\necho \"$5\" >> {0}\n(until [ -e {1} ]; do sleep 0.02; done; exec \"$@\") > /dev/null 2>&1 &\n",
        ordered.display(),
        taken.display()
    );
    fs::write(&slow, script).unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    scene.change_config("deploy = 'python3", &format!("deploy = '{} python3", slow.display()));
    // Whoever asks before that gets no answer.
    let check = format!(
        "#!/bin/sh\n[ -e {} ] && cat {}/live/current/VERSION\n",
        taken.display(),
        scene.at("").display()
    );
    fs::write(scene.at("check"), check).unwrap();
    fs::set_permissions(scene.at("check"), fs::Permissions::from_mode(0o755)).unwrap();
    let health = format!("health = '{}'\nhealth-version = '.+'", scene.at("check").display());
    scene.change_config(&format!("health = '{}'\nhealth-version = 'X-Version'", scene.health(1)), &health);
    scene.change_config("health-window = '500ms'", "health-window = '500ms'\nhealth-limit = '5m'");
    let wait_for = |after: &str, what: &str| {
        let began = Instant::now();
        let is_there = || scene.written().split_once(after).is_some_and(|(_, rest)| rest.contains(what));
        while !is_there() {
            assert!(began.elapsed() < Duration::from_secs(300), "{what}: {}", scene.written());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let start = |words: &[&str]| {
        let words = [&["respond", "--json", "-"], words].concat();
        let mut command = scene.user.command(scene.repo.path(), &words);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut child = start(&["--alarm", "500 on /old"]);
    wait_for("", "\"what\":\"ended\",\"action\":\"deploy\"");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = start(&["--resume"]);
    wait_for("\"event\":\"resumed\"", "answers    ");
    // It is asked, and nothing is ordered: then it takes it.
    fs::write(&taken, "").unwrap();
    child.wait().unwrap();
    let written = scene.written();
    assert!(written.contains("\"what\":\"healthy\""), "{written}");
    assert_eq!(fs::read_to_string(&ordered).unwrap(), format!("{}\n", scene.commit("v1.0")), "{written}");
    assert_eq!(scene.asked(), "200");
}

#[test]
fn killed_at_random_it_comes_to_the_same_end() {
    let seeds = std::env::var("PYBISECT_KILLED_SEEDS").map_or(1, |count| count.parse().unwrap());
    (0..seeds).for_each(killed_at_random);
}
