//! Retry: servers that failed, or were left out, are tried once more in the same release.

use model::event::ServerFact;
use model::{Name, NodeFact, ServerState, StepStatus};

use crate::ports::{Claim, Entry, JournalError, StepRow};
use crate::run::Ports;

/// Records that the servers of `claim` are tried once more, and forgets that somebody wished it, in one transaction.
pub async fn grant(ports: &Ports, claim: &mut Claim) -> Result<(), JournalError> {
    let servers = &claim.wishes.retry;
    if servers.is_empty() {
        return Ok(());
    }
    let rows = ports.journal.steps(claim.release).await?;
    let facts = again(&rows, servers).into_iter();
    let facts = facts.map(|fact| Entry::Node { fact: Box::new(fact), result: None });
    let granted = servers.iter().map(|server| Entry::Retried { server: server.clone() });
    ports.journal.record(claim.release, claim.epoch, facts.chain(granted).collect()).await?;
    claim.wishes.retry.clear();
    Ok(())
}

/// The facts that make everything of `servers` pending again that is not done. Pure.
///
/// What is done stays done: a hook that runs once, a release that is staged. What was taken back is done again.
pub fn again(rows: &[StepRow], servers: &[Name]) -> Vec<NodeFact> {
    let mut facts = Vec::new();
    for server in servers {
        let is_its = |key: &str| key.strip_prefix(server.as_str()).is_some_and(|rest| rest.starts_with('/'));
        let mut of_server = Vec::new();
        for row in rows.iter().filter(|row| is_its(&row.key)) {
            let fact = |status| NodeFact::new(&row.key, status, row.attempt);
            // The way back of the try before, and a server that was not reached: done, and to be done anew.
            let is_over = row.key.split('/').nth(1) == Some("undo") || said(row, "left_out");
            if is_over && row.status.may_become(StepStatus::Undone) {
                of_server.extend([fact(StepStatus::Undone), fact(StepStatus::Pending)]);
            } else if row.status.may_become(StepStatus::Pending) {
                of_server.push(fact(StepStatus::Pending));
            }
        }
        if let Some(fact) = of_server.first_mut() {
            let state = Some(ServerState::Pending);
            fact.server = Some(ServerFact { name: server.clone(), before: None, now: None, state });
        }
        facts.extend(of_server);
    }
    facts
}

fn said(row: &StepRow, key: &str) -> bool {
    row.result.as_ref().is_some_and(|result| result.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(key: &str, status: StepStatus, result: Option<serde_json::Value>) -> StepRow {
        StepRow { key: key.into(), status, attempt: 1, crashes: 0, log_read: 0, result }
    }

    #[test]
    fn what_is_done_stays_and_the_rest_is_pending_again() {
        use StepStatus::{Cancelled, Failed, Ok, Pending, Skipped, Undone, Warning};
        let left_out = Some(serde_json::json!({ "left_out": true }));
        let rows = [
            row("fetch", Failed, None),
            row("web-1/upload", Ok, None),
            row("web-1/activate", Undone, None),
            row("web-1/verify", Failed, None),
            row("web-1/undo", Ok, None),
            row("web-1/prune", Cancelled, None),
            row("web-10/upload", Failed, None),
            row("web-2/upload", Warning, left_out),
            row("web-2/after_upload", Skipped, None),
        ];
        let servers = ["web-1".parse().unwrap(), "web-2".parse().unwrap()];
        let facts = again(&rows, &servers);
        let seen: Vec<_> = facts.iter().map(|fact| (fact.key.as_str(), fact.status)).collect();
        let expected = [
            ("web-1/activate", Pending),
            ("web-1/verify", Pending),
            ("web-1/undo", Undone),
            ("web-1/undo", Pending),
            ("web-1/prune", Pending),
            ("web-2/upload", Undone),
            ("web-2/upload", Pending),
            ("web-2/after_upload", Pending),
        ];
        assert_eq!(seen, expected);
        let told: Vec<_> =
            facts.iter().filter_map(|fact| fact.server.as_ref()).map(|known| &known.name).collect();
        assert_eq!(told, servers.iter().collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn after_a_retry_everything_of_a_server_is_done_or_pending_and_others_are_left_alone(
            statuses in proptest::collection::vec(proptest::sample::select(StepStatus::ALL.to_vec()), 12),
            chosen in proptest::sample::subsequence(vec!["web-1", "web-2", "web-10"], 0..=3),
        ) {
            let keys = ["fetch", "web-1/upload", "web-1/activate", "web-1/undo", "web-1/undo/verify", "web-1/prune",
                "web-10/upload", "web-10/activate", "web-2/upload", "web-2/activate", "web-2/undo", "staged"];
            // What is under way is under way nowhere while a release waits.
            let settled = |status: StepStatus| if status == StepStatus::Running { StepStatus::Failed } else { status };
            let rows: Vec<StepRow> =
                keys.iter().zip(&statuses).map(|(key, status)| row(key, settled(*status), None)).collect();
            let servers: Vec<Name> = chosen.iter().map(|name| name.parse().unwrap()).collect();
            let mut now: std::collections::BTreeMap<String, StepStatus> =
                rows.iter().map(|row| (row.key.clone(), row.status)).collect();
            for fact in again(&rows, &servers) {
                let status = now.get_mut(&fact.key).unwrap();
                prop_assert!(status.may_become(fact.status), "{} {:?} -> {:?}", fact.key, status, fact.status);
                *status = fact.status;
            }
            for row in &rows {
                let server = row.key.split('/').next().unwrap();
                let (before, after) = (row.status, now[&row.key]);
                if chosen.contains(&server) {
                    let is_undo = row.key.contains("/undo");
                    let stays = matches!(before, StepStatus::Ok | StepStatus::Warning) && !is_undo;
                    let expected = if stays || before == StepStatus::Paused { before } else { StepStatus::Pending };
                    prop_assert_eq!(after, expected, "{}", row.key);
                } else {
                    prop_assert_eq!(after, before, "{}", row.key);
                }
            }
        }
    }
}
