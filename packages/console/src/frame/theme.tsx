import { useState } from 'preact/hooks'
import { words } from '../words.ts'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

const storageKey = 'millrace-theme'

function keptTheme(): Theme {
  const kept = localStorage.getItem(storageKey)
  return themes.find((theme) => theme === kept) ?? 'system'
}

function show(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
}

show(keptTheme())

export function ThemeChoice() {
  const [theme, setTheme] = useState(keptTheme)
  const choose = (next: Theme): void => {
    localStorage.setItem(storageKey, next)
    show(next)
    setTheme(next)
  }
  return (
    <select
      class="theme"
      aria-label={words.theme.label}
      value={theme}
      onChange={({ currentTarget }) => choose(themes[currentTarget.selectedIndex] ?? 'system')}
    >
      {themes.map((one) => (
        <option key={one} value={one} selected={one === theme}>
          {words.theme[one]}
        </option>
      ))}
    </select>
  )
}
