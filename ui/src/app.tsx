import { Route, Router, Switch } from "wouter-preact";
import { readBase } from "./api";
import { Clock } from "./clock";
import { Header } from "./components/header";
import { Nav } from "./components/nav";
import { Toasts } from "./components/toasts";
import { LiveProvider } from "./live";
import { NoPage } from "./pages/no_page";
import { PAGES } from "./pages";
import { PreferencesProvider, useRememberedPreferences } from "./preferences";

export function App() {
  const preferences = useRememberedPreferences();
  return (
    <PreferencesProvider value={preferences}>
      <Router base={readBase()}>
        <Clock>
          <LiveProvider>
            <Toasts>
              <Frame />
            </Toasts>
          </LiveProvider>
        </Clock>
      </Router>
    </PreferencesProvider>
  );
}

function Frame() {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <div class="body">
        <Nav />
        <main id="main" tabIndex={-1}>
          <Switch>
            {PAGES.map(([path, Page]) => (
              <Route key={path} path={path} component={Page} />
            ))}
            <Route component={NoPage} />
          </Switch>
        </main>
      </div>
    </>
  );
}
