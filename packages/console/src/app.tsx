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
