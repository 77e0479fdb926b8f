use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;

use super::*;
use crate::model::{Culprit, Report, Status};
use crate::report::postmortem::samples::{commit, found, id, incident, trial};

fn rendered(told: &Postmortem) -> String {
    let mut out = Vec::new();
    ReportHtml.render(told, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page without its style and script.
fn body(page: &str) -> &str {
    let from = page.find("<body>").unwrap();
    &page[from..page.find("<script>").unwrap_or(page.len() - "</body>\n</html>\n".len())]
}

/// Elements that have no end.
const VOID: [&str; 5] = ["meta", "br", "link", "img", "input"];

/// Tags open and close in order, and ids are given once.
fn look(page: &str) {
    let tag = Regex::new(r#"<(/?)([a-z0-9!]+)((?:[^<>"]|"[^"]*")*?)(/?)>"#).unwrap();
    let mut open: Vec<String> = Vec::new();
    let mut ids = BTreeSet::new();
    let id = Regex::new(r#"\sid="([^"]*)""#).unwrap();
    for found in tag.captures_iter(body(page)) {
        let name = &found[2];
        if &found[1] == "/" {
            assert_eq!(open.pop().as_deref(), Some(name), "at {}", &found[0]);
        } else if &found[4] != "/" && !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        for id in id.captures_iter(&found[3]) {
            assert!(ids.insert(id[1].to_owned()), "{} twice", &id[1]);
        }
    }
    assert_eq!(open, ["body"]);
    let anchor = Regex::new(r##"(?:href="#|aria-labelledby=")([^"]+)""##).unwrap();
    for found in anchor.captures_iter(body(page)) {
        assert!(ids.contains(&found[1]), "{} leads nowhere", &found[0]);
    }
}

#[test]
fn the_page_is_whole_and_asks_for_nothing() {
    let page = rendered(&found("x"));
    look(&page);
    for part in ["src=", "http:", "https:", "@import", "url(", "style=\"", "onclick", "javascript:"] {
        assert!(!page.contains(part), "{part}");
    }
    let links = Regex::new(r#"href="([^"]*)""#).unwrap();
    assert!(links.captures_iter(&page).all(|link| link[1].starts_with('#')));
    assert!(page.contains("default-src &#39;none&#39;; style-src &#39;sha256-"), "{page}");
    assert_eq!(page.matches("<script>").count(), 1);
    for part in ["050505050</code> broke it", "<del>load</del>", "<ins>loads</ins>", "pybisect find --fresh"]
    {
        assert!(page.contains(part), "{part}");
    }
}

/// The hash of the policy is that of what stands between the tags, as a browser reads it.
#[test]
fn the_policy_names_what_is_there() {
    let page = rendered(&found("x"));
    let policy = policy(&[STYLE], &[SCRIPT]);
    for (tag, content) in [("style", STYLE), ("script", SCRIPT)] {
        assert!(page.contains(&format!("<{tag}>{content}</{tag}>")));
        assert!(!content.contains(&format!("</{tag}")) && !content.contains('\r'));
        let digest = ring::digest::digest(&ring::digest::SHA256, content.as_bytes());
        assert!(policy.contains(&format!("{tag}-src 'sha256-{}'", STANDARD.encode(digest))), "{policy}");
    }
}

#[test]
fn nothing_of_others_is_markup() {
    nothing_of_others_is_markup_in(found);
    nothing_of_others_is_markup_in(incident);
}

fn nothing_of_others_is_markup_in(told: fn(&str) -> Postmortem) {
    let plain = rendered(&told("a harmless text"));
    let hostile = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)> \"'><b> {{7*7}} ${x} \
                   javascript:alert(1) &lt;\u{1b}[2J\u{202e}\u{2028}]]> <!-- --> x\ny";
    let page = rendered(&told(hostile));
    look(&page);
    // The same tags as with a harmless text, but for those that its lines bring.
    let tag = Regex::new(r"</?([a-z0-9]+)").unwrap();
    let tags = |page: &str| tag.captures_iter(page).map(|tag| tag[1].to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(tags(&page), tags(&plain));
    assert_eq!(page.matches("<script").count(), plain.matches("<script").count());
    assert!(page.matches("alert(1)").count() > 20);
    for part in ["<img", "\u{1b}", "\u{202e}", "\u{2028}", "<!--"] {
        assert!(!page.contains(part), "{part:?}");
    }
    // No attribute holds it, but a label and a title.
    let handlers = Regex::new(r"<[^>]*\son[a-z]+=").unwrap();
    assert!(!handlers.is_match(&page));
}

/// A history of so many commits, with every seventh a merge, searched by halves.
fn large(count: usize) -> Postmortem {
    let mut told = found("Teach it to read one more line");
    let at = |number: usize| {
        let mut bytes = [0; 20];
        bytes[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
        bytes[8] = 1;
        crate::model::CommitId::from_bytes(bytes)
    };
    let history = (0..count).map(|number| {
        let mut parents: Vec<_> = number.checked_sub(1).map(at).into_iter().collect();
        if number % 7 == 0 {
            parents.extend(number.checked_sub(4).map(at));
        }
        crate::model::CommitInfo {
            id: at(number),
            parents,
            ..commit(1, "Teach it to read one more line", &[])
        }
    });
    told.history = history.collect();
    told.report.good = vec![at(0)];
    told.report.bad = Some(at(count - 1));
    let culprit = count * 2 / 3;
    let (mut low, mut high) = (0, count - 1);
    told.report.trial_log = Vec::new();
    while low < high {
        let middle = low.midpoint(high);
        let verdict = if middle >= culprit { "bad" } else { "good" };
        told.report
            .trial_log
            .push(crate::model::trial_line::TrialLine { commit: at(middle), ..trial(0, verdict) });
        if middle >= culprit { high = middle } else { low = middle + 1 }
    }
    told.report.culprits = vec![Culprit::new(told.history[culprit].clone(), 1.0)];
    told.report.prove();
    told
}

#[test]
fn histories_of_any_size_are_drawn_with_every_commit() {
    let paths = Regex::new(r#"<path class="tick(?: crowd)?" d="((?:M[0-9. ]+v8)*)"/>\n"#).unwrap();
    for count in [2, 10, 60, 5000] {
        let told = large(count);
        let page = rendered(&told);
        look(&page);
        let ran: BTreeSet<_> = told.report.trial_log.iter().map(|line| line.commit).collect();
        assert_eq!(page.matches("<use href=\"#mark-").count(), ran.len() + told_twice(&page), "{count}");
        let ticks: usize = paths.captures_iter(&page).map(|path| path[1].matches('M').count()).sum();
        assert_eq!(ticks, count - ran.len(), "{count}");
        assert!(page.contains(&format!("History, oldest first: {count} commits")), "{count}");
        assert!(!page.contains("NaN") && !page.contains("inf\""), "{count}");
    }
    assert!(rendered(&large(5000)).len() < 2 << 20);
}

/// Marks that stand in tables and legends.
fn told_twice(page: &str) -> usize {
    page.matches("aria-hidden=\"true\"><use").count()
}

#[test]
fn what_has_no_answer_has_a_page_too() {
    let mut told = found("x");
    told.report.culprits.clear();
    told.report.breaking_changes.clear();
    told.report.status = Status::NotReproduced;
    told.report.reason = Some("at the bad commit, the command passes".to_owned());
    let page = rendered(&told);
    look(&page);
    assert!(page.contains("The failure is not reproduced") && page.contains("Not reproduced"), "{page}");
    assert!(!page.contains("broke it"), "{page}");
    let bare =
        Postmortem { report: Report { good: vec![id(1)], ..Report::default() }, ..Postmortem::default() };
    look(&rendered(&bare));
    assert!(!rendered(&bare).contains("id=\"history\""));
}

#[test]
fn an_incident_has_its_downtime_and_its_steps_on_top() {
    let page = rendered(&incident("v1"));
    look(&page);
    for part in [
        "<h1><code>v1</code> is served again by <code>v1 (040404040)</code>, and was down for 34 s</h1>",
        "34 of 15 seconds of the year",
        "050505050</code> broke it",
        "pybisect respond --approve rollout",
        "<li class=\"good\">",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // One that nobody searched for has a page as well.
    let mut told = incident("v1");
    told.report = Report::default();
    told.history.clear();
    let page = rendered(&told);
    look(&page);
    assert!(!page.contains("No answer") && page.contains("is served again"), "{page}");
}

#[test]
fn a_live_page_has_buttons_and_asks_its_own_server_alone() {
    let hostile = "\"><b>x";
    let told = incident(hostile);
    let mut out = Vec::new();
    let live = Live { csrf: hostile.to_owned(), size: 7 };
    ReportHtml.render_live(&told, &live, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    look(&page);
    for part in [
        "connect-src &#39;self&#39;; base-uri &#39;none&#39;; form-action &#39;self&#39;",
        "data-path=\"/incidents/20261129T040000Z\" data-size=\"7\"",
        "action=\"/incidents/20261129T040000Z/approve\"",
        "name=\"step\" value=\"rollout-1\"",
        // The search failed.
        "action=\"/incidents/20261129T040000Z/retry\"",
        "name=\"step\" value=\"find\"",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<b>x"));
    assert!(!page.contains("data-grows=\"yes\""), "it is well");
    // Until it is, the page counts, and who is asked for leave is told which version it is for.
    let mut down = told.clone();
    let own = down.incident.as_mut().unwrap();
    (own.recovered, own.serving) = (None, None);
    own.steps[0].state = crate::model::StepState::Waiting;
    let mut out = Vec::new();
    ReportHtml.render_live(&down, &live, &mut out).unwrap();
    let page = String::from_utf8(out).unwrap();
    let good = down.report.last_good.as_ref().unwrap().id.short();
    for part in ["data-grows=\"yes\">not over", &format!("Deploy the last good version: {good} ")] {
        assert!(page.contains(part), "{part}");
    }
    // Those who are not let in see nothing of it, and a page by itself has no buttons.
    assert!(!rendered(&told).contains("<form"));
    let incidents = [told.incident.unwrap()];
    let mut pages = vec![Vec::new(), Vec::new(), Vec::new()];
    IncidentList { service: hostile, incidents: &incidents }.render(&mut pages[0]).unwrap();
    IncidentList { service: hostile, incidents: &[] }.render(&mut pages[1]).unwrap();
    TokenForm { service: hostile, to: hostile, is_wrong: true }.render(&mut pages[2]).unwrap();
    for page in pages {
        let page = String::from_utf8(page).unwrap();
        look(&page);
        assert!(!page.contains("<b>x") && page.contains("&quot;&gt;&lt;b&gt;x"), "{page}");
    }
}
