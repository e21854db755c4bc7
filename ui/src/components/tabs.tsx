import { PageLink } from "./page_link";

interface Props {
  label: string;
  /** The page's path; the tab stands in its query. */
  path: string;
  tabs: readonly (readonly [string, string])[];
  chosen: string;
}

/** Parts of one page, each with an address. */
export function Tabs({ label, path, tabs, chosen }: Props) {
  return (
    <div class="tabs" role="navigation" aria-label={label}>
      {tabs.map(([name, title], index) => (
        <PageLink key={name} to={index === 0 ? path : `${path}?tab=${name}`} current={name === chosen}>
          {title}
        </PageLink>
      ))}
    </div>
  );
}
