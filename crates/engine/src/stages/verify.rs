//! Verify: a switched server is asked for health until it is green or its deadline is over. It changes nothing,
//! so after a crash it is simply asked again.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use model::{Action, Health, HealthProbe, Hook, HookPoint, ServerState, Step, StepKind};
use tokio::time::Instant;

use super::job::{Ended, Job, execute};
use crate::error::{Failure, Halt};
use crate::given::variable_lines;
use crate::hook_env::{Place, variables};
use crate::lane::Lane;
use crate::ports::HostTrouble;
use crate::remote::{Command, status};
use crate::reporter::NodeLog;
use crate::run::{Begun, Open, Tries};

/// How long is waited between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Asks the lane's server for health after its switch.
pub async fn verify(lane: &mut Lane) -> Result<(), Halt> {
    let key = lane.key("verify");
    let folder = lane.path();
    let action = lane.run.plan.action();
    check(lane, &key, None, action, &folder).await
}

/// Asks the lane's server for health after it was put back to its previous release.
pub async fn verify_undone(lane: &mut Lane, below: &str, folder: &str) -> Result<(), Halt> {
    let key = format!("{below}/verify");
    let added = Step {
        key: key.clone(),
        parent: Some(below.to_owned()),
        text: "verify".to_owned(),
        step: StepKind::Verify,
        server: Some(lane.server.name.clone()),
        batch: None,
    };
    check(lane, &key, Some(added), Action::Undo, folder).await
}

async fn check(
    lane: &mut Lane,
    key: &str,
    added: Option<Step>,
    action: Action,
    folder: &str,
) -> Result<(), Halt> {
    let run = lane.run.clone();
    let checks: Vec<Health> = run
        .plan
        .environment
        .health
        .iter()
        .filter(|health| health.on.matches(&lane.server))
        .cloned()
        .collect();
    if checks.is_empty() {
        return Ok(());
    }
    let Begun::Act(open) = run.begin_as(key, added, Tries::New).await? else { return Ok(()) };
    let mut log = open.log();
    for (number, health) in checks.iter().enumerate() {
        let asked = until_green(lane, health, (&open, number, action, folder), &mut log).await;
        if let Err(halt) = asked {
            log.end().await?;
            return match halt {
                Halt::Failed(failure) => Err(open.fail(failure).await),
                other => Err(other),
            };
        }
    }
    log.end().await?;
    if action == Action::Undo {
        open.ok(None).await
    } else {
        open.ok_on(None, lane.known(ServerState::Live)).await
    }
}

async fn until_green(
    lane: &mut Lane,
    health: &Health,
    at: (&Open<'_>, usize, Action, &str),
    log: &mut NodeLog,
) -> Result<(), Halt> {
    let deadline = Instant::now() + health.deadline;
    let mut tries = 0_u32;
    let what = match &health.probe {
        HealthProbe::Http(url) => url.clone(),
        HealthProbe::Command(text) => text.lines().next().unwrap_or_default().to_owned(),
    };
    loop {
        tries += 1;
        let answer = match &health.probe {
            HealthProbe::Http(url) => http(lane, url, health.timeout).await,
            HealthProbe::Command(text) => command(lane, text, health.timeout, (at, tries), log).await?,
        };
        match answer {
            Ok(answer) => {
                log.line(&format!("{what}: {answer}"));
                return Ok(());
            }
            Err(bad) => {
                log.line(&format!("{what}: {bad}"));
                log.flush().await?;
                if Instant::now() + PAUSE >= deadline {
                    let message = format!("not healthy within {:?}: {what}: {bad}", health.deadline);
                    return Err(Halt::Failed(Failure::new(message)));
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Asks an address as the server sees it: over the connection, or by curl or wget there.
async fn http(lane: &mut Lane, url: &str, timeout: Duration) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|error| format!("not a URL: {error}"))?;
    let host = uri.host().unwrap_or("127.0.0.1").trim_matches(['[', ']']).to_owned();
    let port = uri.port_u16().unwrap_or(80);
    let stream = match tokio::time::timeout(timeout, lane.forward(&host, port)).await {
        Err(_) => return Err(format!("no connection within {timeout:?}")),
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind == HostTrouble::ForwardRefused => {
            return there(lane, url, timeout).await;
        }
        Ok(Err(error)) => {
            // The line is cut, which says nothing of the application: the next try goes over a new one.
            if error.kind == HostTrouble::Lost {
                lane.hang_up();
            }
            return Err(error.message);
        }
    };
    let ask = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
        let spoken = tokio::spawn(connection);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().map_or(host.as_str(), |authority| authority.as_str());
        let request = Request::get(path)
            .header("host", authority)
            .header("user-agent", "aweigh")
            .header("connection", "close")
            .body(Empty::<Bytes>::new())
            .map_err(|e| e.to_string())?;
        let answer = sender.send_request(request).await.map_err(|e| e.to_string());
        spoken.abort();
        let status = answer?.status();
        if status.is_success() || status.is_redirection() {
            Ok(status.to_string())
        } else {
            Err(status.to_string())
        }
    };
    tokio::time::timeout(timeout, ask).await.unwrap_or_else(|_| Err(format!("no answer within {timeout:?}")))
}

async fn there(lane: &mut Lane, url: &str, timeout: Duration) -> Result<String, String> {
    let command = || Command::new("http").number(timeout.as_secs().max(1)).value("url", url);
    let command = command().map_err(|error| error.to_string())?;
    let answer = lane.ask(&command).await.map_err(|failure| failure.message)?;
    if answer.status == status::NO_HTTP {
        return Err("the server forwards no ports and has neither curl nor wget".to_owned());
    }
    let said = answer.get("answer").unwrap_or("no answer").to_owned();
    if matches!(said.as_bytes(), [b'2' | b'3', b'0'..=b'9', b'0'..=b'9']) { Ok(said) } else { Err(said) }
}

/// Runs a command as a hook; each try is a run of its own.
async fn command(
    lane: &mut Lane,
    text: &str,
    timeout: Duration,
    ((open, number, action, folder), tries): ((&Open<'_>, usize, Action, &str), u32),
    log: &mut NodeLog,
) -> Result<Result<String, String>, Halt> {
    let mut hook = Hook::plain(HookPoint::AfterActivate, text);
    hook.timeout = timeout;
    let (root, server) = (lane.facts.root.clone(), lane.server.clone());
    let previous = lane.previous().unwrap_or_default().to_owned();
    let place = Place { server: Some(&server), root: &root, folder, previous: &previous, ..Place::default() };
    let mut env = variables(&lane.run.plan, action, &lane.run.ports.public_url, &place);
    env.extend(variable_lines(&lane.run.plan, Some(&server)));
    let key = open.key.replace('/', "_");
    let run_id =
        format!("{}/{key}-{}-{}-{number}-{tries}", lane.run.plan.release, lane.run.epoch, open.attempt);
    let job = Job {
        run_id,
        hook: &hook,
        folder: folder.to_owned(),
        variables: &env,
        secrets: &[],
        may_stop: false,
        log_read: 0,
        limits: None,
        walls: None,
    };
    match execute(lane, &job, log).await {
        Ok(Ended::Exit(0)) => Ok(Ok("exited with 0".to_owned())),
        Ok(other) => Ok(Err(other.words())),
        Err(Halt::Failed(failure)) => Ok(Err(failure.message)),
        Err(other) => Err(other),
    }
}
