// The shapes of the API, by the names of the OpenAPI document that the server writes (`npm run types`).
import type { components } from './schema'

type Schemas = components['schemas']

export type ArtifactView = Schemas['ArtifactView']
export type AuditView = Schemas['AuditView']
export type BoardRow = Schemas['BoardRow']
export type Changes = Schemas['Changes']
export type ChatPage = Schemas['ChatPage']
export type CredentialView = Schemas['CredentialView']
export type Diff = Schemas['Diff']
export type Done = Schemas['Done']
export type DriftReport = Schemas['DriftReport']
export type EnvironmentSpec = Schemas['Named_EnvironmentSpec']
export type EventBatch = Schemas['EventBatch']
export type FileDiff = Schemas['FileDiff']
export type Finding = Schemas['Finding']
export type GroupView = Schemas['GroupView']
export type LockView = Schemas['LockView']
export type Me = Schemas['Me']
export type Node = Schemas['Node']
export type ProjectSpec = Schemas['Named_ProjectSpec']
export type Recording = Schemas['Recording']
export type Ref = Schemas['Ref']
export type Release = Schemas['Release']
export type ReleasePlan = Schemas['ReleasePlan']
export type RotateAnswer = Schemas['RotateAnswer']
export type RunRequest = Schemas['RunRequest']
export type ServerFacts = Schemas['ServerFacts']
export type ServerSpec = Schemas['Named_ServerSpec']
export type SessionView = Schemas['SessionView']
export type Snapshot = Schemas['Snapshot'] & { progress?: Progress | null }
export type TemplateSpec = Schemas['TemplateSpec']
export type TemplateUse = Schemas['TemplateUse']
export type TemplateVersion = Schemas['TemplateVersion']
export type TemplateView = Schemas['TemplateView']
export type TokenView = Schemas['TokenView']
export type TransferLine = Schemas['TransferLine']
export type Trouble = Schemas['Trouble']
export type TrustAnswer = Schemas['TrustAnswer']
export type TryAnswer = Schemas['TryAnswer']
export type UserView = Schemas['UserView']
export type VariableView = Schemas['VariableView']

/** Something that happened on a server while a command ran; of its end all of it is there, or nothing. */
export type RunLine = { server?: string | null; started?: boolean; stdout?: string | null; stderr?: string | null; done?: Done | null } & Partial<Schemas['ServerEnded']>
export type Page<T> = { items: T[]; next?: number | null }
export type FieldError = Schemas['FieldError']
export type ProblemBody = Schemas['Problem']

export type StepStatus =
  | 'pending' | 'running' | 'ok' | 'failed' | 'warning' | 'paused' | 'skipped' | 'cancelled' | 'undone' | 'unknown'
export type ReleaseStatus =
  | 'awaiting_approval' | 'scheduled' | 'queued' | 'running' | 'paused' | 'interrupted'
  | 'succeeded' | 'failed' | 'rolled_back' | 'partial' | 'cancelled' | 'superseded'

/** Bytes of uploads: a rate is per second, and `remaining` is whole seconds; both are missing while nobody knows. */
export type Bytes = { sent: number; total: number; rate?: number | null; remaining?: number | null }
/** The bytes of a release in all, and of the uploads that are under way. It is no fact: it has no number, and the latest counts. */
export type Progress = Bytes & { nodes: Record<string, Bytes> }

/** A release in one line, in the topics of projects and of the board. */
export type ReleaseLine = { id: number; project: string; environment: string; kind: string; ref: string; by: string }
export type ReleaseFact = { status: ReleaseStatus; reason?: string; release?: ReleaseLine }
export type ServerFact = { name: string; before?: string; now?: string; state?: string }
export type Step = { key: string; parent?: string | null; text: string; step: string; server?: string | null; batch?: number | null }
export type NodeFact = { key: string; status: StepStatus; attempt: number; reason?: string; added?: Step; server?: ServerFact }
export type LogFact = { node: string; offset: number; bytes: number; text?: string; dropped?: number }
export type ChatFact = { user: string; text: string; node?: string }

/** A numbered fact of a topic (DESIGN section 3). */
export type Fact = { seq: number; at: string } & (
  | { kind: 'release'; data: ReleaseFact }
  | { kind: 'node'; data: NodeFact }
  | { kind: 'log'; data: LogFact }
  | { kind: 'chat'; data: ChatFact }
)
export type Batch = { topic: string; stream: string; events: Fact[]; seq: number }
