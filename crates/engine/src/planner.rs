//! The planner: a request becomes a plan. Pure: no clock, no network, no database.

use jiff::Timestamp;
use model::plan::Origin;
use model::strategy::divide;
use model::{
    CommitId, Environment, HookPoint, Kind, Name, Plan, Project, ReleaseId, ReleaseName, Server, Step,
    StepKind,
};

/// Everything a plan is made from.
#[derive(Debug, Clone)]
pub struct Request {
    /// The project as it is now.
    pub project: Project,
    /// The effective environment as it is now.
    pub environment: Environment,
    /// Its servers.
    pub servers: Vec<Server>,
    /// Forward, back, or to who was away.
    pub kind: Kind,
    /// What was asked for.
    pub git_ref: String,
    /// Set when that is a branch.
    pub branch: Option<String>,
    /// Set when that is a tag.
    pub tag: Option<String>,
    /// What it resolved to.
    pub commit: CommitId,
    /// Set unless a commit is brought.
    pub origin: Option<Origin>,
    /// See [`Plan::artifact`].
    pub artifact: Option<String>,
    /// It goes back at once, see [`Plan::now`].
    pub now: bool,
    /// Who asks.
    pub by: String,
}

/// Freezes `request` as release `id`, planned at `at`.
pub fn plan(request: Request, id: ReleaseId, at: Timestamp) -> Plan {
    let mut plan = Plan {
        release: id,
        name: ReleaseName::new(at, id),
        kind: request.kind,
        project: request.project,
        environment: request.environment,
        servers: request.servers,
        git_ref: request.git_ref,
        branch: request.branch,
        tag: request.tag,
        commit: request.commit,
        origin: request.origin,
        artifact: request.artifact,
        now: request.now,
        by: request.by,
        batches: Vec::new(),
        steps: Vec::new(),
    };
    plan.servers.sort_by(|a, b| a.name.cmp(&b.name));
    plan.batches = divide(&plan.servers, if plan.now { &[] } else { &plan.environment.batches });
    plan.steps = steps(&plan);
    plan
}

/// The tree of a plan, parents first (DESIGN section 2).
fn steps(plan: &Plan) -> Vec<Step> {
    let mut tree = Steps { all: Vec::new() };
    let mut trunk = tree.add(None, "start", "start", StepKind::Start, None);
    if has(plan, HookPoint::BeforeFetch) {
        trunk = tree.point(plan, HookPoint::BeforeFetch, &trunk, None);
    }
    trunk = tree.add(Some(&trunk), "fetch", "fetch", StepKind::Fetch, None);
    trunk = tree.add(Some(&trunk), "build", "build", StepKind::Build, None);
    trunk = tree.add(Some(&trunk), "pack", "pack", StepKind::Pack, None);
    for server in &plan.servers {
        tree.lane(plan, server, &trunk);
    }
    trunk = tree.add(Some(&trunk), "staged", "staged", StepKind::Staged, None);
    for number in 1..=plan.batches.len() {
        let (key, text) = (batch_key(number), format!("batch {number}"));
        trunk = tree.add(Some(&trunk), &key, &text, StepKind::Batch, None);
        tree.in_batch(number);
    }
    if has(plan, HookPoint::AfterRelease) {
        tree.point(plan, HookPoint::AfterRelease, &trunk, None);
    }
    tree.all
}

fn has(plan: &Plan, point: HookPoint) -> bool {
    !point_hooks(plan, point, None).is_empty()
}

struct Steps {
    all: Vec<Step>,
}

impl Steps {
    fn add(
        &mut self,
        parent: Option<&str>,
        key: &str,
        text: &str,
        step: StepKind,
        server: Option<&Name>,
    ) -> String {
        self.all.push(Step {
            key: key.to_owned(),
            parent: parent.map(str::to_owned),
            text: text.to_owned(),
            step,
            server: server.cloned(),
            batch: None,
        });
        key.to_owned()
    }

    /// The last step is the node of this batch.
    fn in_batch(&mut self, number: usize) {
        if let Some(last) = self.all.last_mut() {
            last.batch = u32::try_from(number).ok();
        }
    }

    /// One row of the tree: what happens on one server, as a chain.
    fn lane(&mut self, plan: &Plan, server: &Server, trunk: &str) {
        let name = &server.name;
        let verb = |verb: &str| format!("{name}/{verb}");
        let mut last = self.add(Some(trunk), &verb("upload"), "upload", StepKind::Upload, Some(name));
        if plan.environment.env_file.is_some() {
            last = self.add(Some(&last), &verb("env_file"), "env_file", StepKind::EnvFile, Some(name));
        }
        last = self.point(plan, HookPoint::AfterUpload, &last, Some(server));
        let staged = self.all.len();
        if plan.kind == Kind::Rollback {
            last = self.point(plan, HookPoint::BeforeRollback, &last, Some(server));
        }
        last = self.point(plan, HookPoint::BeforeActivate, &last, Some(server));
        last = self.add(Some(&last), &verb("activate"), "activate", StepKind::Activate, Some(name));
        last = self.point(plan, HookPoint::AfterActivate, &last, Some(server));
        if plan.environment.health.iter().any(|health| health.on.matches(server)) {
            last = self.add(Some(&last), &verb("verify"), "verify", StepKind::Verify, Some(name));
        }
        last = self.point(plan, HookPoint::AfterVerify, &last, Some(server));
        // The switch, from drained to healthy, is what a batch does.
        let batch = plan.batch_of(name);
        self.all.iter_mut().skip(staged).for_each(|step| step.batch = Some(batch));
        self.add(Some(&last), &verb("prune"), "prune", StepKind::Prune, Some(name));
    }

    /// The node of one hook point and, below it, one node per hook; nothing where no hook runs.
    fn point(&mut self, plan: &Plan, point: HookPoint, parent: &str, server: Option<&Server>) -> String {
        let hooks = point_hooks(plan, point, server);
        if hooks.is_empty() {
            return parent.to_owned();
        }
        let name = server.map(|server| &server.name);
        let key = point_key(point, server);
        self.add(Some(parent), &key, point.word(), StepKind::Hook, name);
        for hook in hooks {
            if hook.key != key {
                self.add(Some(&key), &hook.key, &hook.text, StepKind::Hook, name);
            }
        }
        key
    }
}

/// The key of a batch's node; the first has number 1.
pub fn batch_key(number: usize) -> String {
    format!("batch-{number}")
}

/// The key of a hook point's node: `web-1/after_upload`, or `after_release` on the control host.
pub fn point_key(point: HookPoint, server: Option<&Server>) -> String {
    server.map_or_else(|| point.word().to_owned(), |server| format!("{}/{}", server.name, point.word()))
}

/// One hook where it takes part in a plan.
#[derive(Debug, Clone)]
pub struct PlannedHook {
    /// Its node.
    pub key: String,
    /// What stands in the node.
    pub text: String,
    /// Its place in the list of its point, from 0: the same on every server.
    pub place: usize,
    /// The hook.
    pub hook: model::Hook,
}

/// The hooks of `point` that take part in this plan, on `server` or on the control host.
pub fn point_hooks(plan: &Plan, point: HookPoint, server: Option<&Server>) -> Vec<PlannedHook> {
    hooks_when(plan, point, server, plan.action().when())
}

/// The hooks that take part in this plan on `server`, of all points.
pub fn server_hooks<'a>(plan: &'a Plan, server: &'a Server) -> impl Iterator<Item = PlannedHook> + 'a {
    let points = HookPoint::ALL.into_iter().filter(|point| !point.on_control_host());
    points.flat_map(|point| point_hooks(plan, point, Some(server)))
}

/// Those of them that run once, on this server alone.
pub fn once_hooks<'a>(plan: &'a Plan, server: &'a Server) -> impl Iterator<Item = PlannedHook> + 'a {
    server_hooks(plan, server).filter(|hook| hook.hook.once)
}

/// The hooks of `point` that take part in a run of kind `when`.
///
/// A list with one unnamed hook is its own node; otherwise each hook has a node below the point's.
pub fn hooks_when(
    plan: &Plan,
    point: HookPoint,
    server: Option<&Server>,
    when: model::When,
) -> Vec<PlannedHook> {
    let all = plan.environment.hooks.get(&point).map(Vec::as_slice).unwrap_or_default();
    let alone = all.len() == 1 && all.iter().all(|hook| hook.name.is_none());
    let here = |hook: &model::Hook| server.is_none_or(|server| hook.runs_on(server, &plan.servers));
    let key = point_key(point, server);
    all.iter()
        .enumerate()
        .filter(|(_, hook)| hook.runs_in(when) && here(hook))
        .map(|(place, hook)| {
            let word = hook.name.as_ref().map_or_else(|| (place + 1).to_string(), ToString::to_string);
            let key = if alone { key.clone() } else { format!("{key}/{word}") };
            PlannedHook { key, text: word, place, hook: hook.clone() }
        })
        .collect()
}
