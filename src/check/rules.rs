//! The rules: what each says, on what evidence, and what to do about it.

use crate::model::Rule;

/// One rule with its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleDoc {
    /// The word for machines, comments and baselines.
    pub id: &'static str,
    /// What such a finding says, one line.
    pub summary: &'static str,
    /// How much it weighs.
    pub weight: &'static str,
    /// When the rule is given, and what it rests on.
    pub evidence: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// An example.
    pub example: &'static str,
}

impl RuleDoc {
    /// The rule as findings carry it.
    #[must_use]
    pub fn rule(&self) -> Rule {
        Rule { id: self.id.to_owned(), summary: self.summary.to_owned() }
    }
}

/// The smoke command fails because of this call.
pub const BREAKING_CALL: RuleDoc = RuleDoc {
    id: "breaking-call",
    summary: "This call makes the command fail",
    weight: "error",
    evidence: "The command passes on the base and fails on the merge result. With this call, and the others \
               named with it, as they were before, the command passes on the merge result; with any one of \
               them left changed, it fails. All of that was run.",
    remedy: "Take the suggestion, which was run, or correct the call in another way.",
    example: "application.py:20: json.loads(urls_file) makes the command fail; json.load(urls_file) passes",
};

/// The smoke command fails because of this change, which is no call.
pub const BREAKING_CHANGE: RuleDoc = RuleDoc {
    id: "breaking-change",
    summary: "This change makes the command fail",
    weight: "error",
    evidence: "As with breaking-call: the command passes on the base, fails on the merge result, and passes there \
               once this change, and the others named with it, are taken back. Changed calls alone did not \
               explain it. All of that was run.",
    remedy: "Take the suggestion, which was run, or correct the lines in another way.",
    example: "application.py:31: return urls['home'] makes the command fail: KeyError: 'home'",
};

/// The smoke command fails, and no change can be blamed.
pub const SMOKE_FAILED: RuleDoc = RuleDoc {
    id: "smoke-failed",
    summary: "The command fails on the merge result and passes on the base; no small set of changes explains it",
    weight: "error; warning when it passes as it is run again",
    evidence: "Both were run at the same time, each in a work tree of its own. When the failure is that of a \
               single commit of the branch, that commit was seen to fail and its parents to pass.",
    remedy: "See the failure under the finding. To look closer: pybisect find --good BASE --bad HEAD -- COMMAND",
    example: "app.py:12: the command fails: KeyError: 'user'; it passes on origin/main",
};

/// The merge has conflicts.
pub const MERGE_CONFLICT: RuleDoc = RuleDoc {
    id: "merge-conflict",
    summary: "The branch cannot be merged: both sides changed the same lines",
    weight: "error",
    evidence: "The merge was made in memory, as git makes it.",
    remedy: "Merge the base into the branch, or rebase it, and resolve the conflicts.",
    example: "settings.py: both sides changed the same lines",
};

/// A type checker has something new to say on a changed call.
pub const TYPE_ERROR: RuleDoc = RuleDoc {
    id: "type-error",
    summary: "A type checker reports a new problem at a changed call",
    weight: "error; warning where the call may well be right: one of several possible types does not fit, or \
             the checker itself only warns",
    evidence: "The type checker ran on the base and on the merge result. It says this on the merge result \
               only, at a call that the branch changed or that no longer fits a definition the branch \
               changed. What it said before is not repeated.",
    remedy: "Correct the call. If the checker is wrong, silence this line with `# pybisect: ignore[type-error]`.",
    example: "application.py:9: Object of type `Flask` has no attribute `routes`",
};

/// A call no longer fits its definition.
pub const STALE_CALL: RuleDoc = RuleDoc {
    id: "stale-call",
    summary: "A call does not fit the definition that this branch changed",
    weight: "error",
    evidence: "The branch changed, renamed or removed the definition of a function or class of this \
               repository. The call, which may lie in a file that the branch does not touch, leads to it \
               through imports and fitted it before.",
    remedy: "Change the call too, or keep the old form of the definition working.",
    example: "views.py:31: save(user, True) does not fit: parameter `force` is keyword-only now",
};

/// A changed call that no test ran.
pub const UNTESTED_CALL: RuleDoc = RuleDoc {
    id: "untested-call",
    summary: "No test executes this changed call",
    weight: "as --require-tested says: off, warn or error",
    evidence: "The smoke command was watched, or coverage data of a test run was given (--coverage), and no line of \
               the call ran. Where that is not known, as in programs that were started without the \
               environment of the command, nothing is said. Tests themselves need no test.",
    remedy: "Write a test that runs the call.",
    example: "application.py:20: no test executes json.loads(urls_file)",
};

/// A changed call whose failure a user would see.
pub const UNGUARDED_CALL: RuleDoc = RuleDoc {
    id: "unguarded-call",
    summary: "A failure of this changed call would reach the user",
    weight: "as --require-guarded says: off, warn or error",
    evidence: "The branch changed the call. It stands in a function that answers requests (by its decorator, such as \
               @app.route or @router.get, by its class, such as a View, or by its first parameter `request`), and no \
               `except` around it catches anything. What functions that it calls do is not looked at, nor what the \
               application registers for errors.",
    remedy: "Catch what the call can raise, and answer with what the user can still get; or silence this line with \
             `# pybisect: ignore[unguarded-call]`.",
    example: "application.py:23: a failure of json.loads(urls_file) reaches the user of your_url (@app.route)",
};

/// A change that broke it before is made once more.
pub const REPEATED_CHANGE: RuleDoc = RuleDoc {
    id: "repeated-change",
    summary: "This change was made before, and taken back",
    weight: "warning",
    evidence: "A commit of this file's history made the opposite change to the same call in the same \
               function, so what this branch brings was fixed or reverted there.",
    remedy: "Read that commit. If the change is right this time, say why in the commit message.",
    example: "application.py:20: json.load(f) → json.loads(f) was taken back by 3057ec5 (Fix reading of urls)",
};

/// A change nearby was reverted before.
pub const REVERTED_BEFORE: RuleDoc = RuleDoc {
    id: "reverted-before",
    summary: "A change of the same call in this function was reverted before",
    weight: "note",
    evidence: "A revert in this file's history took back a change of a call of the same function (or method), in \
               the function of this repository that this branch changes it in. It is a hint that this place is \
               easily broken, and no proof of anything.",
    remedy: "Read the revert, and what was said about it, before you merge.",
    example: "views.py:31: a change of the same call in save was reverted before: 1f2e3d4 Revert \"Use bulk save\"",
};

/// All rules.
pub const RULES: [RuleDoc; 10] = [
    BREAKING_CALL,
    BREAKING_CHANGE,
    SMOKE_FAILED,
    MERGE_CONFLICT,
    TYPE_ERROR,
    STALE_CALL,
    UNTESTED_CALL,
    UNGUARDED_CALL,
    REPEATED_CHANGE,
    REVERTED_BEFORE,
];

/// The rule with this id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static RuleDoc> {
    RULES.iter().find(|rule| rule.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_ids_of_their_own() {
        for doc in RULES {
            assert_eq!(rule(doc.id), Some(&doc));
            assert!(doc.id.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase()), "{}", doc.id);
        }
        assert_eq!(rule("no-such-rule"), None);
    }
}
