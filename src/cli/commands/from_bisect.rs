//! `find --from-bisect`: go on from a `git bisect` that is under way. It is only read.

use crate::cli::Error;
use crate::git::Repository;
use crate::model::CommitId;
use crate::report::plural;

use super::find::Args;

/// The same arguments with the ends and paths of that bisection, and what to say of it.
pub(super) fn taken_over(args: &Args, repository: &Repository) -> Result<(Args, String), Error> {
    let none = || {
        Error::usage("no git bisect is under way here")
            .hinted("git bisect start && git bisect bad && git bisect good REV, or name the ends: pybisect find GOOD..BAD")
    };
    let under_way = repository.bisect_under_way().ok_or_else(none)?;
    let bad = under_way.bad.ok_or_else(|| {
        Error::usage("the git bisect that is under way has no bad commit yet").hinted("git bisect bad [REV]")
    })?;
    if under_way.good.is_empty() && args.find_fix {
        return Err(Error::usage("the git bisect that is under way has no commit on the other side yet"));
    }
    let names = |commits: &[CommitId]| commits.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut args = args.clone();
    // What git calls bad is the newer side, whatever the words.
    let (newer, older) = (vec![bad.to_string()], names(&under_way.good));
    if args.find_fix {
        let [one] = older.as_slice() else {
            return Err(Error::usage("--find-fix takes one older commit, and this git bisect has several")
                .hinted("name it: pybisect find --find-fix --bad REV --good REV"));
        };
        (args.good, args.bad) = (newer, Some(one.clone()));
    } else {
        (args.good, args.bad) = (older, newer.into_iter().next());
    }
    args.first_parent |= under_way.first_parent;
    if args.path.is_empty() {
        args.path = under_way.paths;
    }
    let good = match under_way.good.as_slice() {
        [] => "none good yet".to_owned(),
        [one] => format!("{} good", one.short()),
        several => format!("{} good", plural(several.len(), "commit")),
    };
    let skipped = match under_way.skipped {
        0 => String::new(),
        count => format!(", {} skipped there (tried again here)", plural(count, "commit")),
    };
    Ok((args, format!("goes on from git bisect: {} bad, {good}{skipped}", bad.short())))
}
