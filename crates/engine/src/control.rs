//! Hooks on the machine of Aweigh: before the repository is fetched, after every server is done, and when it failed.

use std::sync::Arc;

use model::{HookPoint, NodeFact, StepStatus};

use crate::error::Halt;
use crate::given::variable_lines;
use crate::hook_env::{Place, variables};
use crate::lane::Lane;
use crate::planner::{PlannedHook, point_hooks};
use crate::run::{Begun, Run, Tries};
use crate::stages::build::control_variables;
use crate::stages::hook::known_or_again;
use crate::stages::job::{Job, run_job};

/// Which servers failed and where, for `on_failure`.
pub struct Trouble {
    /// Their names, joined by commas.
    pub servers: String,
    /// The key of the first step that failed.
    pub step: String,
}

/// The lane of the control host, with its driver ready in the work folder.
async fn control(run: &Arc<Run>) -> Result<Lane, Halt> {
    let mut control = Lane::control(run.clone()).map_err(Halt::Failed)?;
    control.contact().await.map_err(Halt::Failed)?;
    Ok(control)
}

/// The hooks of one point on the control host, one after another.
pub async fn control_hooks(run: &Arc<Run>, point: HookPoint, trouble: Option<&Trouble>) -> Result<(), Halt> {
    let hooks = point_hooks(&run.plan, point, None);
    if hooks.is_empty() {
        return Ok(());
    }
    let mut control = control(run).await?;
    let mut place = Place::default();
    if let Some(trouble) = trouble {
        place.failed_servers = &trouble.servers;
        place.failed_step = &trouble.step;
    }
    let mut env = variables(&run.plan, run.plan.action(), &run.ports.public_url, &place);
    env.extend(control_variables(run)?);
    env.extend(variable_lines(&run.plan, None));
    let outcome = control_list(&mut control, point, &hooks, &env).await;
    control.close().await;
    outcome
}

async fn control_list(
    control: &mut Lane,
    point: HookPoint,
    hooks: &[PlannedHook],
    env: &[String],
) -> Result<(), Halt> {
    let run = control.run.clone();
    let own = !hooks.iter().any(|hook| hook.key == point.word());
    // What only a failed release says is not in its plan.
    let step = |key: &str, parent: &str, text: &str| model::Step {
        key: key.to_owned(),
        parent: Some(parent.to_owned()),
        text: text.to_owned(),
        step: model::StepKind::Hook,
        server: None,
        batch: None,
    };
    let unplanned = point == HookPoint::OnFailure;
    if own && !run.was_done(point.word()) {
        let added = unplanned.then(|| step(point.word(), "batch-1", point.word()));
        run.begin_as(point.word(), added, Tries::Same).await?;
    }
    for planned in hooks {
        let parent = if own { point.word() } else { "batch-1" };
        let added = unplanned.then(|| step(&planned.key, parent, &planned.text));
        let Begun::Act(open) = run.begin_as(&planned.key, added, Tries::Same).await? else { continue };
        let open = known_or_again(control, open, planned.hook.rerun).await?;
        let secrets = match run.secrets.asked(&run.plan, None, &planned.hook.secrets) {
            Ok(secrets) => secrets,
            Err(failure) => return Err(open.fail(failure).await),
        };
        let may_stop = point == HookPoint::BeforeFetch;
        if let Some(refusal) = run.ports.sandbox.refusal() {
            return Err(open.fail(refusal).await);
        }
        // Not the folder above: what is in there would start what is not in a sandbox.
        let folder = run.work().join("hooks");
        if let Err(error) = std::fs::create_dir_all(&folder) {
            return Err(open.fail(error.into()).await);
        }
        let job = Job {
            run_id: run.run_id(&planned.key, open.attempt),
            hook: &planned.hook,
            folder: "hooks".to_owned(),
            walls: Some(run.ports.sandbox.around(&run, folder)),
            variables: env,
            secrets: &secrets,
            may_stop,
            log_read: open.log_read,
            limits: None,
        };
        run_job(control, open, &job, &planned.text).await?;
    }
    if own && !run.was_done(point.word()) {
        run.reporter.node(NodeFact::new(point.word(), StepStatus::Ok, 1), None).await?;
    }
    Ok(())
}
