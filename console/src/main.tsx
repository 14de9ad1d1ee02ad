import { Badge, createTheme, MantineProvider } from '@mantine/core';
import '@mantine/core/styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { queryClient } from './queries.ts';
import { router } from './router.tsx';
import './styles.css';
import { TextProvider } from './text/text.tsx';

/** The service lets the page add style elements that carry the nonce of this answer. It lets it add no script. */
const nonce = document.querySelector<HTMLMetaElement>('meta[name=stagedoor-nonce]')?.content ?? '';
Object.assign(globalThis, { __webpack_nonce__: nonce }); // read by get-nonce, which dialogs use

/** Colors with enough contrast for small text on light and dark. */
const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  cursorType: 'pointer',
  components: { Badge: Badge.extend({ defaultProps: { tt: 'none', fw: 600, radius: 'sm' } }) },
});

createRoot(document.querySelector('#root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queryClient}>
        <TextProvider>
          <RouterProvider router={router} />
        </TextProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
