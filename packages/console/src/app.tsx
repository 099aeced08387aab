import { ErrorBoundary, lazy, LocationProvider, Route, Router, useLocation } from 'preact-iso'
import { useEffect } from 'preact/hooks'
import { startSession, useSession } from './api/session.ts'
import { Frame } from './frame/frame.tsx'
import { SignIn } from './frame/sign-in.tsx'
import { WorkflowsPage } from './pages/workflows.tsx'
import { Empty, Page } from './parts/page.tsx'
import { Problem } from './parts/problem.tsx'
import { words } from './words.ts'

const NewWorkflow = lazy(() => import('./pages/new-workflow.tsx').then(({ NewWorkflowPage }) => NewWorkflowPage))
const Definition = lazy(() => import('./pages/workflow/definition.tsx').then(({ DefinitionPage }) => DefinitionPage))
const Versions = lazy(() => import('./pages/workflow/versions.tsx').then(({ VersionsPage }) => VersionsPage))
const Comparison = lazy(() => import('./pages/workflow/comparison.tsx').then(({ ComparisonPage }) => ComparisonPage))
const Sharing = lazy(() => import('./pages/workflow/sharing.tsx').then(({ SharingPage }) => SharingPage))
const WorkflowExecutions = lazy(() =>
  import('./pages/workflow/executions.tsx').then(({ WorkflowExecutionsPage }) => WorkflowExecutionsPage),
)
const Schedules = lazy(() => import('./pages/workflow/schedules.tsx').then(({ SchedulesPage }) => SchedulesPage))
const Executions = lazy(() => import('./pages/executions.tsx').then(({ ExecutionsPage }) => ExecutionsPage))
const Execution = lazy(() => import('./pages/execution.tsx').then(({ ExecutionPage }) => ExecutionPage))
const Settings = lazy(() => import('./pages/settings.tsx').then(({ SettingsPage }) => SettingsPage))
const Account = lazy(() => import('./pages/account.tsx').then(({ AccountPage }) => AccountPage))
const Audit = lazy(() => import('./pages/audit.tsx').then(({ AuditPage }) => AuditPage))
const Status = lazy(() => import('./pages/admin/status.tsx').then(({ StatusPage }) => StatusPage))
const Metrics = lazy(() => import('./pages/admin/metrics.tsx').then(({ MetricsPage }) => MetricsPage))
const Users = lazy(() => import('./pages/admin/users.tsx').then(({ UsersPage }) => UsersPage))
const Backups = lazy(() => import('./pages/admin/backups.tsx').then(({ BackupsPage }) => BackupsPage))

export function App() {
  useEffect(() => {
    void startSession()
  }, [])
  return (
    <LocationProvider scope="/console">
      <Gate />
    </LocationProvider>
  )
}

function Gate() {
  const session = useSession()
  switch (session.phase) {
    case 'starting':
      return <div class="starting" aria-busy="true" />
    case 'unreachable':
      return (
        <main class="alone">
          <Problem error={session.error} onRetry={() => void startSession()} />
        </main>
      )
    case 'signedOut':
      return <SignIn />
    case 'signedIn':
      return (
        <Frame user={session.user}>
          <Pages />
        </Frame>
      )
  }
}

function Pages() {
  return (
    <ErrorBoundary>
      <Router>
        <Route path="/console" component={Home} />
        <Route path="/console/workflows" component={WorkflowsPage} />
        <Route path="/console/workflows/new" component={NewWorkflow} />
        <Route path="/console/workflows/:id" component={Definition} />
        <Route path="/console/workflows/:id/versions" component={Versions} />
        <Route path="/console/workflows/:id/versions/:from/:to" component={Comparison} />
        <Route path="/console/workflows/:id/executions" component={WorkflowExecutions} />
        <Route path="/console/workflows/:id/schedules" component={Schedules} />
        <Route path="/console/workflows/:id/sharing" component={Sharing} />
        <Route path="/console/executions" component={Executions} />
        <Route path="/console/executions/:id" component={Execution} />
        <Route path="/console/settings" component={Settings} />
        <Route path="/console/account" component={Account} />
        <Route path="/console/audit" component={Audit} />
        <Route path="/console/admin" component={Status} />
        <Route path="/console/admin/metrics" component={Metrics} />
        <Route path="/console/admin/users" component={Users} />
        <Route path="/console/admin/backups" component={Backups} />
        <Route default component={NoPage} />
      </Router>
    </ErrorBoundary>
  )
}

function Home() {
  const { route } = useLocation()
  useEffect(() => route('/console/workflows', true), [])
  return null
}

function NoPage() {
  return (
    <Page title={words.noPage.title}>
      <Empty title={words.noPage.heading}>
        <p>
          <a href="/console/workflows">{words.noPage.link}</a>
        </p>
      </Empty>
    </Page>
  )
}
