//! Hooks: the users' commands at the points of a release, as nodes of its tree. Each is one [`Job`]; one whose
//! outcome is unknown after a crash is not run again, unless it says that it may be.

use model::{Action, HookPoint, Rerun, Step, StepKind};

use super::job::{Job, is_known, run_job};
use crate::error::Halt;
use crate::given::variable_lines;
use crate::hook_env::{Place, variables};
use crate::lane::Lane;
use crate::planner::{PlannedHook, hooks_when, point_key};
use crate::run::{Begun, Open, Tries};

/// What surrounds the hooks of one point on one lane.
#[derive(Clone)]
pub struct Scene {
    /// The point.
    pub point: HookPoint,
    /// What the run is for.
    pub action: Action,
    /// The folder they run in, below the root: `releases/NAME`.
    pub folder: String,
    /// Nodes of an undo hang below this key and are not in the plan.
    pub below: Option<String>,
    /// The wish to stop ends them.
    pub may_stop: bool,
}

impl Scene {
    /// What surrounds the hooks of `point` on the way forward.
    pub fn forward(lane: &Lane, point: HookPoint, may_stop: bool) -> Self {
        Self { point, action: lane.run.plan.action(), folder: lane.path(), below: None, may_stop }
    }
}

/// Runs every hook of a point on one lane, one after another.
pub async fn point(lane: &mut Lane, scene: &Scene) -> Result<(), Halt> {
    let hooks = hooks_when(&lane.run.plan, scene.point, Some(&lane.server), scene.action.when());
    begin_point(lane, scene, &hooks).await?;
    for hook in &hooks {
        one(lane, scene, hook).await?;
    }
    end_point(lane, scene, &hooks).await
}

/// The node of a point that has nodes of hooks below it begins with the first of them.
pub async fn begin_point(lane: &Lane, scene: &Scene, hooks: &[PlannedHook]) -> Result<(), Halt> {
    let (key, added) = point_node(lane, scene);
    if !hooks.iter().any(|hook| node(lane, scene, hook).0 == key) && !hooks.is_empty() {
        lane.run.begin_as(&key, added, Tries::Same).await?;
    }
    Ok(())
}

/// And ends with the last.
pub async fn end_point(lane: &Lane, scene: &Scene, hooks: &[PlannedHook]) -> Result<(), Halt> {
    let (key, _) = point_node(lane, scene);
    if !hooks.iter().any(|hook| node(lane, scene, hook).0 == key)
        && !hooks.is_empty()
        && !lane.run.was_done(&key)
    {
        let attempt = lane.run.found.get(&key).map_or(1, |row| row.attempt.max(1));
        let fact = model::NodeFact::new(&key, model::StepStatus::Ok, attempt);
        lane.run.reporter.node(fact, None).await?;
    }
    Ok(())
}

/// Runs one hook of a point on one lane.
pub async fn one(lane: &mut Lane, scene: &Scene, planned: &PlannedHook) -> Result<(), Halt> {
    let run = lane.run.clone();
    let (key, added) = node(lane, scene, planned);
    let Begun::Act(open) = run.begin_as(&key, added, Tries::Same).await? else { return Ok(()) };
    let hook = &planned.hook;
    let open = known_or_again(lane, open, hook.rerun).await?;
    let previous = lane.previous().unwrap_or_default().to_owned();
    let previous_revision = lane.previous_revision();
    let root = lane.facts.root.clone();
    let place = Place {
        server: Some(&lane.server),
        root: &root,
        folder: &scene.folder,
        previous: &previous,
        previous_revision: &previous_revision,
        ..Place::default()
    };
    let mut env = variables(&run.plan, scene.action, &run.ports.public_url, &place);
    env.extend(variable_lines(&run.plan, Some(&lane.server)));
    let secrets = match run.secrets.asked(&run.plan, Some(lane.name()), &hook.secrets) {
        Ok(secrets) => secrets,
        Err(failure) => return Err(open.fail(failure).await),
    };
    let job = Job {
        run_id: run.run_id(&key, open.attempt),
        hook,
        folder: scene.folder.clone(),
        variables: &env,
        secrets: &secrets,
        may_stop: scene.may_stop,
        log_read: open.log_read,
        limits: None,
        walls: None,
    };
    run_job(lane, open, &job, &planned.text).await
}

/// The node of a planned hook: its key, and how to draw it where it is not in the plan.
fn node(lane: &Lane, scene: &Scene, planned: &PlannedHook) -> (String, Option<Step>) {
    let Some(below) = &scene.below else { return (planned.key.clone(), None) };
    let own = point_key(scene.point, Some(&lane.server));
    let rest = planned.key.strip_prefix(&own).unwrap_or_default();
    let (point, _) = point_node(lane, scene);
    let key = format!("{point}{rest}");
    let (parent, text) = if rest.is_empty() {
        (below.clone(), scene.point.word().to_owned())
    } else {
        (point, planned.text.clone())
    };
    (key.clone(), Some(added(lane, key, parent, text)))
}

fn point_node(lane: &Lane, scene: &Scene) -> (String, Option<Step>) {
    match &scene.below {
        None => (point_key(scene.point, Some(&lane.server)), None),
        Some(below) => {
            let key = format!("{below}/{}", scene.point.word());
            (key.clone(), Some(added(lane, key, below.clone(), scene.point.word().to_owned())))
        }
    }
}

fn added(lane: &Lane, key: String, parent: String, text: String) -> Step {
    Step {
        key,
        parent: Some(parent),
        text,
        step: StepKind::Hook,
        server: Some(lane.server.name.clone()),
        batch: None,
    }
}

/// The try of a hook that may be started or followed: the one that was begun, unless nobody knows what became of it. Then it
/// is lost, or, where it may run again, a new one: what a try was started as never starts twice.
pub async fn known_or_again<'r>(lane: &mut Lane, mut open: Open<'r>, rerun: Rerun) -> Result<Open<'r>, Halt> {
    if !open.unknown {
        return Ok(open);
    }
    let run_id = lane.run.run_id(&open.key, open.attempt);
    match is_known(lane, &run_id).await {
        Ok(true) => Ok(open),
        Ok(false) if rerun == Rerun::Safe => {
            open.begin_again().await?;
            Ok(open)
        }
        Ok(false) => Err(open.lost(format!("it began, and nobody knows whether it ended: {run_id}")).await),
        Err(failure) => Err(open.fail(failure).await),
    }
}
