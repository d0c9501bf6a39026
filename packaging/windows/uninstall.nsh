; The uninstaller: its page, and what it takes away. What people made it leaves, unless they say so.

Function un.onInit
  SetRegView 64
  !insertmacro Speak MUI_UNGETLANGUAGE
  StrCpy $Everyone 0
  ReadRegStr $0 HKLM "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    StrCpy $Everyone 1
  ${EndIf}
  ${GetParameters} $0
  StrCpy $Purge 0
  StrCpy $Upgraded 0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${IfNot} ${Errors}
    StrCpy $Purge 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/UPGRADE" $1
  ${IfNot} ${Errors}
    StrCpy $Upgraded 1
  ${Else}
    Call un.BeAlone
  ${EndIf}
  ${If} $Everyone = 1
    Call un.IsAdministrator
    Pop $0
    ${If} $0 = 0
      Call un.AskAdministrator
    ${EndIf}
  ${EndIf}
  Call un.UseScope
FunctionEnd

Function un.AskAdministrator
  ${If} ${Silent}
    StrCpy $0 ${DENIED}
    StrCpy $1 ""
    Call un.GiveUp
  ${EndIf}
  System::Call 'kernel32::CloseHandle(p $Alone)'
  ExecShell "runas" "$INSTDIR\uninstall.exe"
  Quit
FunctionEnd

Function un.AskWhat
  !insertmacro MUI_HEADER_TEXT "$(RemoveTitle)" "$(RemoveText)"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 8u 100% 24u "$(WhatStays)"
  Pop $0
  ${If} $Everyone = 1 ; the administrator may be another person than the one whose chats these are
    ${NSD_CreateLabel} 0 40u 100% 40u "$(WhoseItIs)"
    Pop $0
  ${Else}
    ${NSD_CreateCheckBox} 0 40u 100% 12u "$(DeleteAll)"
    Pop $Box
    ${NSD_SetState} $Box $Purge
    ${NSD_CreateLabel} 12u 54u 95% 40u "$(DeleteAllText)"
    Pop $0
  ${EndIf}
  GetDlgItem $0 $HWNDPARENT 1
  SendMessage $0 ${WM_SETTEXT} 0 "STR:$(RemoveButton)"
  nsDialogs::Show
FunctionEnd

Function un.TakeWhat
  StrCpy $Purge 0
  ${If} $Everyone = 0
    ${NSD_GetState} $Box $Purge
  ${EndIf}
  ${If} $Purge = 1
    MessageBox MB_YESNO|MB_ICONEXCLAMATION|MB_DEFBUTTON2 "$(SureToDelete)" IDYES +2
    Abort
  ${EndIf}
FunctionEnd

Section Uninstall
  Call un.EndRunning
  !insertmacro RemoveFiles
  ${If} $Upgraded = 0
    Delete "$INSTDIR\uninstall.exe"
    SetOutPath "$TEMP"
    RMDir "$INSTDIR" ; only if nothing of the person's is in it
    Delete "$SMPROGRAMS\${NAME}.lnk"
    Delete "$DESKTOP\${NAME}.lnk"
    Call un.RemoveAssociation
    DeleteRegKey SHCTX "${UNINSTALL_KEY}"
    DeleteRegKey SHCTX "Software\Microsoft\Windows\CurrentVersion\App Paths\${EXECUTABLE}.exe"
    DeleteRegKey SHCTX "${OWN_KEY}"
    DeleteRegKey HKCU "${OWN_KEY}"
    Call un.TellShell
  ${EndIf}
  ${If} $Purge = 1
    Call un.DeleteEverything
  ${EndIf}
SectionEnd

Function un.RemoveAssociation
  ReadRegStr $0 SHCTX "Software\Classes\.gguf" ""
  ${If} $0 == "${CLASS}"
    DeleteRegValue SHCTX "Software\Classes\.gguf" ""
  ${EndIf}
  DeleteRegValue SHCTX "Software\Classes\.gguf\OpenWithProgids" "${CLASS}"
  DeleteRegKey /ifempty SHCTX "Software\Classes\.gguf\OpenWithProgids"
  DeleteRegKey /ifempty SHCTX "Software\Classes\.gguf"
  DeleteRegKey SHCTX "Software\Classes\${CLASS}"
  DeleteRegKey SHCTX "Software\Classes\Applications\${EXECUTABLE}.exe"
  DeleteRegValue SHCTX "Software\RegisteredApplications" "${NAME}"
FunctionEnd

Function un.DeleteEverything ; of this person: what `desktop.services.paths` keeps, and the token of the keyring
  SetShellVarContext current
  RMDir /r "$LOCALAPPDATA\${NAME}"
  nsExec::Exec 'cmdkey.exe /delete:${NAME}'
  Pop $0
FunctionEnd
