import { StagedoorProvider } from '@stagedoor/client/react';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App.tsx';
import { loadConfiguration } from './configuration.ts';
import { Demo } from './demo/Demo.tsx';
import { ChatRoom, loadStage, stagedoorOf } from './sdks.ts';
import './styles.css';

const root = createRoot(document.querySelector('#root') as HTMLElement);
try {
  root.render(<StrictMode>{await page()}</StrictMode>);
} catch (error) {
  root.render(<p role="alert">{`The sample cannot start. ${(error as Error).message}`}</p>);
}

/** The demo; with `?user=bob`, the few lines of App.tsx for this user alone. */
async function page() {
  const configuration = await loadConfiguration();
  const { Stage, openCamera } = await loadStage(configuration.emulator);
  const userId = new URLSearchParams(globalThis.location.search).get('user');
  if (userId === null) return <Demo {...{ configuration, ChatRoom, Stage, openCamera }} />;
  const stagedoor = stagedoorOf(configuration, userId);
  return (
    <StagedoorProvider stagedoor={stagedoor} ChatRoom={ChatRoom} Stage={Stage}>
      <App spaceId={configuration.spaceId} />
    </StagedoorProvider>
  );
}
