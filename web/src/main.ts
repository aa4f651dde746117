// Starts the page.

import './styles/base.css';
import './styles/answer.css';
import './styles/file.css';
import { onKeyWanted } from './api';
import { takeDrops } from './drop';
import { startFilePanel, takeFile } from './filepanel';
import { askForKey } from './keydialog';
import { refreshModels } from './models';
import { startTyping } from './typing';

onKeyWanted(askForKey);
startTyping();
startFilePanel();
takeDrops(file => void takeFile(file));
void refreshModels();
