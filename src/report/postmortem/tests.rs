use super::samples::{commit, found, id, incident, trial};
use super::*;
use crate::model::{CandidateFix, FixKind, Status};
use crate::report::read_json;

fn line(told: &Postmortem) -> (String, Certainty) {
    let headline = Headline::of(told);
    (headline.line.plain(), headline.certainty)
}

#[test]
fn the_first_line_is_as_sure_as_the_trials() {
    let proven = found("x");
    assert_eq!(line(&proven), ("050505050 broke it".to_owned(), Certainty::Proven));

    let mut unproven = found("x");
    unproven.report.trial_log.retain(|line| line.commit != id(4));
    unproven.report.prove();
    let unproven_line = "050505050 may have broken it; trials do not prove it".to_owned();
    assert_eq!(line(&unproven), (unproven_line, Certainty::NotProven));
    assert!(!proofs(&unproven)[0].holds && proofs(&found("x"))[0].holds);

    let mut several = found("x");
    several.report.status = Status::Ambiguous;
    several.report.culprits.push(Culprit::new(commit(6, "y", &[5]), 0.4));
    let several_line = "One of 2 commits broke it, and no trial can tell which".to_owned();
    assert_eq!(line(&several), (several_line, Certainty::OneOfSeveral));
    several.report.can_go_on = true;
    assert_eq!(line(&several).0, "One of 2 commits broke it");

    let none = |status: Status, change: &dyn Fn(&mut Report)| {
        let mut told = found("x");
        told.report.culprits.clear();
        told.report.status = status;
        told.report.reason = Some("at the bad commit, the command passes".to_owned());
        change(&mut told.report);
        let because = Headline::of(&told).because;
        assert_eq!(because[0].plain(), "At the bad commit, the command passes.");
        line(&told)
    };
    let no_answer = ("No answer".to_owned(), Certainty::NoAnswer);
    assert_eq!(none(Status::Inconclusive, &|_| {}), no_answer);
    let not_reproduced = ("The failure is not reproduced".to_owned(), Certainty::NotReproduced);
    assert_eq!(none(Status::NotReproduced, &|_| {}), not_reproduced);
    let not_run = ("The command could not be run".to_owned(), Certainty::NotRun);
    assert_eq!(none(Status::NotReproduced, &|report| report.did_not_run = true), not_run);
    assert_eq!(none(Status::NotReproduced, &|report| report.lacks_environment = true), not_run);

    let stopped = Postmortem { is_unfinished: true, ..found("x") };
    assert_eq!(line(&stopped).1, Certainty::Unfinished);
    assert!(stopped.proven().is_none());
}

#[test]
fn a_json_report_is_read_back_and_its_proof_drawn_anew() {
    let told = found("x");
    let mut text = Vec::new();
    crate::report::Renderer::render(&crate::report::Json, &told.report, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let read = read_json(&text).unwrap();
    assert_eq!(read.culprits[0].commit.author_time, told.report.culprits[0].commit.author_time / 60 * 60);
    assert_eq!(read.culprits[0].proof, told.report.culprits[0].proof);
    assert_eq!(read.failure.as_ref().unwrap().to_string(), told.report.failure.as_ref().unwrap().to_string());
    assert_eq!(read.breaking_changes, told.report.breaking_changes);
    assert_eq!(read.trial_log, told.report.trial_log);
    // What only says that it is verified is not.
    let claimed = text.replace("\"verdict\": \"good\"", "\"verdict\": \"skip\"");
    assert!(claimed.contains("\"verified\": true"));
    assert_eq!(read_json(&claimed).unwrap().culprits[0].proof, None);
    for (wrong, why) in [
        ("", "not JSON"),
        ("[]", "no JSON object"),
        ("{}", "no \"schema\""),
        ("{\"schema\": \"pybisect.fix/1\"}", "'pybisect.fix/1'"),
        ("{\"schema\": \"pybisect.report/1\", \"good\": 3}", "not of its form"),
    ] {
        let said = read_json(wrong).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(read_json("{\"schema\": \"pybisect.report/1\"}").unwrap().schema, "pybisect.report/1");
}

#[test]
fn what_trials_leave_is_what_they_do_not_speak_against() {
    // 3 and 4 are beside each other, 5 merges them.
    let history = [
        commit(1, "", &[]),
        commit(2, "", &[1]),
        commit(3, "", &[2]),
        commit(4, "", &[2]),
        commit(5, "", &[3, 4]),
        commit(6, "", &[5]),
    ];
    let left = |log: &[(u8, &str)], find_fix| {
        let trial_log = log.iter().map(|(byte, verdict)| trial(*byte, verdict)).collect();
        let report = Report { trial_log, find_fix, ..Report::default() };
        let possible = still_possible(&history, &report, &Verdicts::of(&report));
        (1..).zip(possible).filter(|(_, possible)| *possible).map(|(byte, _)| byte).collect::<Vec<u8>>()
    };
    assert_eq!(left(&[], false), [1, 2, 3, 4, 5, 6]);
    assert_eq!(left(&[(6, "bad"), (1, "good")], false), [2, 3, 4, 5, 6]);
    assert_eq!(left(&[(5, "bad"), (3, "good"), (4, "skip")], false), [4, 5]);
    assert_eq!(left(&[(5, "good"), (3, "bad")], true), [4, 5]);
    // What says now this, now that, says nothing.
    assert_eq!(left(&[(6, "bad"), (3, "good"), (3, "bad")], false), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn each_proof_is_repeated_by_a_command_between_the_culprit_and_its_parents() {
    let told = found("x");
    let commands: Vec<String> = proofs(&told).into_iter().map(|proof| proof.command).collect();
    let expected = "--fresh --good 040404040 --bad 050505050 -- python smoke.py x";
    assert_eq!(
        commands,
        [format!("pybisect find --no-narrow {expected}"), format!("pybisect find {expected}")]
    );
    let mut mended = found("x");
    mended.report.find_fix = true;
    assert_eq!(
        ends(&mended.report),
        [("--bad".to_owned(), "040404040".to_owned()), ("--good".to_owned(), "050505050".to_owned())]
    );
}

#[test]
fn whys_say_what_is_known_and_leave_the_rest_open() {
    let mut told = found("x");
    let known = |told: &Postmortem, at: usize| {
        whys(told)[at].known.iter().map(Prose::plain).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(known(&told, 1), "x:20: json.load(x) became json.loads(x)");
    assert_eq!(known(&told, 2), "");
    let at = |at_culprit| vec![TestFile { path: "tests/test_a.py".to_owned(), at_culprit }];
    told.tests = at(Presence::Absent);
    assert!(known(&told, 2).contains("did not exist yet"), "{}", known(&told, 2));
    told.tests = at(Presence::Same);
    assert!(known(&told, 2).contains("was there already and fails since 050505050"), "{}", known(&told, 2));
    told.report.trial_log.clear();
    told.report.prove();
    assert!(whys(&told)[1..].iter().all(|why| why.known.is_empty() && why.open.is_some()));
}

#[test]
fn a_fix_that_passed_is_on_the_checklist_and_one_that_is_not_needed_is_ticked() {
    let mut told = found("x");
    let done = |told: &Postmortem| countermeasures(told).iter().filter(|measure| measure.is_done).count();
    let fix = CandidateFix {
        kind: FixKind::UndoEdits,
        patch: "--- a\n".to_owned(),
        passed: true,
        outcome: "passes".to_owned(),
        verified: None,
        files: 1,
        lines: 2,
        undoes: Vec::new(),
    };
    told.fix = Some(FixReport { fixes: vec![fix], ..FixReport::default() });
    let words: Vec<String> = countermeasures(&told).iter().map(|measure| measure.what.plain()).collect();
    assert!(words.contains(&"Bring the tested fix in: undo the breaking edit".to_owned()), "{words:?}");
    assert_eq!(done(&told), 0);
    told.fix = Some(FixReport { mended_already: true, ..FixReport::default() });
    assert_eq!(done(&told), 1);
}

/// A text without its code: from a run of back ticks that no backslash escapes to the next run of the same length.
fn without_code(text: &str) -> String {
    let run = |rest: &str| rest.len() - rest.trim_start_matches('`').len();
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let ticks = run(rest);
        // Where the next run of as many begins.
        let end = std::iter::successors(Some(ticks), |&from| {
            let next = from + rest[from..].find('`')?;
            Some(if run(&rest[next..]) == ticks { next } else { next + run(&rest[next..]) })
        });
        let end = end.skip(1).find(|&at| at > 0 && rest[at..].starts_with('`') && run(&rest[at..]) == ticks);
        let (shown, length) = match (first, end) {
            ('`', Some(end)) => ("", end + ticks),
            ('`', None) => (&rest[..ticks], ticks),
            ('\\', _) => {
                let length = rest.chars().take(2).map(char::len_utf8).sum();
                (&rest[..length], length)
            }
            _ => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        kept += shown;
        rest = &rest[length..];
    }
    kept
}

#[test]
fn nothing_in_the_markdown_is_markup_of_others() {
    let hostile = "`x`\n```\n# <script>alert(1)</script> [a](https://x.example) @ada | \u{1b}[2J\u{202e}";
    let mut out = Vec::new();
    ReportMarkdown.render(&found(hostile), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    // Blocks of code end with the fence that they begin with, and not before.
    let mut prose = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => {
                fence = Some(line.chars().take_while(|c| *c == '`').collect());
            }
            None => prose.extend([line, "\n"]),
        }
    }
    assert_eq!(fence, None);
    let prose = without_code(&prose);
    let prose = prose.replace("\\]", "");
    for part in ["<script", "](https", "@ada", "https://"] {
        assert!(!prose.contains(part), "{part} in {prose}");
    }
    // A row of the table has its two cells.
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert!(rows.len() > 3 && rows.iter().all(|row| bars(row) == 3), "{rows:#?}");
}

#[test]
fn an_incident_is_told_in_the_order_of_time_with_its_downtime() {
    let told = incident("v1");
    let times: Vec<Option<i64>> = events(&told).iter().map(|moment| moment.at).collect();
    assert!(times.is_sorted() && times.len() > 8, "{times:?}");
    let words: Vec<String> = events(&told).iter().map(|moment| moment.what.plain()).collect();
    let at = |part: &str| {
        words.iter().position(|what| what.contains(part)).unwrap_or_else(|| panic!("{words:#?}"))
    };
    assert!(at("is deployed") < at("the first error") && at("the first error") < at("alarm: "));
    assert!(at("alarm: ") < at("serves, and is well") && at("serves, and is well") < at("cause: v1"));
    let mut out = Vec::new();
    ReportMarkdown.render(&told, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("# `v1` is served again by `v1 (040404040)`, and was down for 34 s\n"),
        "{text}"
    );
    for part in [
        "- downtime: 34 s: 34 of 15 seconds of the year",
        "| rollout, stage 1 | waiting |  | v1 | waits for a person: `pybisect respond --approve rollout` |",
        "69 s from its deployment to the first error, 31 s from there to the alarm, 3.0 s from the alarm to recovery",
        "- [x] Serve the last good version",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn what_was_spent_before_counts_against_what_is_allowed() {
    let mut told = incident("v1");
    told.down_before = 6.0;
    let (spent, share) = told.spent().unwrap();
    assert_eq!((spent.as_str(), share > 2.6), ("40 of 15 seconds of the year, 6.0 s of it before", true));
}

#[test]
fn an_outage_that_is_not_over_is_told_as_it_is_when_this_is_written() {
    let mut told = incident("v1");
    let own = told.incident.as_mut().unwrap();
    let since = own.down_since().unwrap();
    own.recovered = None;
    assert_eq!((told.down(), told.spent()), (None, None), "nobody knows how long");
    told.written = since.checked_add(jiff::SignedDuration::from_secs(30)).ok();
    assert_eq!(told.down().unwrap(), "30 s so far");
    assert_eq!(told.spent().unwrap().0, "30 of 15 seconds of the year so far");
    // From when its own source says that all is well it is not known to be down.
    let own = told.incident.as_mut().unwrap();
    let mut over = own.alarms[0].clone();
    (over.at, over.firing) = (since.checked_add(jiff::SignedDuration::from_secs(12)).unwrap(), false);
    own.alarms.push(over);
    assert_eq!(told.down().unwrap(), "12 s so far");
    told.incident.as_mut().unwrap().outcome = Some(crate::model::IncidentOutcome::Superseded);
    assert_eq!(told.down(), None);
}

/// The report is a step of the response: it is written before the incident is closed.
#[test]
fn what_is_rolled_out_in_all_its_stages_is_fixed() {
    let mut told = incident("v1");
    let line = |told: &Postmortem| state(told.incident.as_ref().unwrap()).0.plain();
    assert!(line(&told).contains("is served again by"), "{}", line(&told));
    for step in told.incident.iter_mut().flat_map(|incident| &mut incident.steps) {
        step.state = crate::model::StepState::Done;
    }
    assert!(line(&told).contains("is fixed by"), "{}", line(&told));
}
