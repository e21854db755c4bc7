import { Page } from "../components/page";
import { PageLink } from "../components/page_link";

const LOADED = { updatedAt: null, stale: false, problem: null };

export function NoPage() {
  return (
    <Page title="No such page" loaded={LOADED}>
      <p>
        Nothing is at this address. <PageLink to="/">To the overview</PageLink>
      </p>
    </Page>
  );
}
