; The installer of Alcove for Windows: `python packaging/installer.py` compiles it and gives it all its names.
;
; For one person without administrator's rights; for everyone by choice, then asked for them. What an older version
; brought is removed by that version's own list; what people made is left, also by the uninstaller, unless they say so.
;
; On the command line, in this order:
;   /S                       silent       /CurrentUser, /AllUsers    for whom (the person; else as it is installed now)
;   /DESKTOP                 an icon on the desktop                  /D=FOLDER   where, as the last and without quotes
; What is installed in another folder moves: it is taken away there first.
; Of the uninstaller:        /S silent    /PURGE    this person's models, chats and settings, too
; Exit status: 0 done; 1 given up by the person; 2 broken off; 3 Alcove runs and did not end; 5 needs administrator's
; rights; 10 this Windows is too old; 1618 another installation is going on (what Windows Installer says, too).

!ifdef TARGET
  Target ${TARGET}
!endif
Unicode true
ManifestDPIAware true
ManifestLongPathAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
SetCompressor /SOLID lzma
SetDatablockOptimize on
CRCCheck on
XPStyle on
AllowRootDirInstall false
AllowSkipFiles off ; a file that cannot be written ends the installation

!define NOWHERE "nowhere\${NAME}"
Name "${NAME}"
OutFile "${OUTPUT}"
InstallDir "${NOWHERE}" ; for its end, that "Browse" puts behind the folder a person picks; no /D= leaves it so
BrandingText "${NAME} ${VERSION}"
!ifdef SIGN
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif
VIProductVersion "${VERSION_OF_FOUR}"
VIAddVersionKey /LANG=0 "ProductName" "${NAME}"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "FileDescription" "${SUMMARY}"
VIAddVersionKey /LANG=0 "CompanyName" "${NAME}"
VIAddVersionKey /LANG=0 "LegalCopyright" "MIT"

!include MUI2.nsh
!include LogicLib.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include "${FILES}" ; the macros InstallFiles and RemoveFiles

!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
!define OWN_KEY "Software\${NAME}"
!define CLASS "${NAME}.gguf"
!define PROGRAM "$INSTDIR\${EXECUTABLE}.exe"
!define TERMINAL "$INSTDIR\${EXECUTABLE}-cli.exe"
!define GIVEN_UP 1
!define RUNNING 3
!define DENIED 5
!define TOO_OLD 10
!define BUSY 1618
!define WAITS 100 ; times 200 ms: what an engine needs to end after its window, and a virus scanner to look

Var Everyone ; 1: for everyone on this computer
Var Fixed ; 1: said on the command line, so the page does not ask
Var OnDesktop ; 1: with an icon on the desktop
Var Upgraded ; 1: there was a version already
Var Purge ; 1: the uninstaller deletes what the person made
Var Given ; the folder of /D=
Var After ; 1: the questions were answered before Windows asked for an administrator
Var Alone ; the mutex
Var OnlyMe
Var ForAll
Var Box

!define MUI_ABORTWARNING
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${PICTURE}"
!define MUI_LANGDLL_REGISTRY_ROOT HKCU
!define MUI_LANGDLL_REGISTRY_KEY "${OWN_KEY}"
!define MUI_LANGDLL_REGISTRY_VALUENAME "InstallerLanguage"
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_FUNCTION Start

Page custom AskForWhom TakeForWhom
!define MUI_PAGE_CUSTOMFUNCTION_PRE SkipIfUpgraded
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
UninstPage custom un.AskWhat un.TakeWhat
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "Korean"
!insertmacro MUI_LANGUAGE "Italian"
!include "${SOURCE}/strings/english.nsh"
!include "${SOURCE}/strings/korean.nsh"
!include "${SOURCE}/strings/italian.nsh"
!insertmacro MUI_RESERVEFILE_LANGDLL

; -- what both the installer and the uninstaller do -------------------------------------------------------------------

!macro Speak ASK ; as Windows does, where that is one of our languages; else the person chooses, once
  System::Call 'kernel32::GetUserDefaultUILanguage() i .r0'
  IntOp $0 $0 & 0x3FF ; the language without its country
  ${If} $0 = 0x09
    StrCpy $LANGUAGE ${LANG_ENGLISH}
  ${ElseIf} $0 = 0x12
    StrCpy $LANGUAGE ${LANG_KOREAN}
  ${ElseIf} $0 = 0x10
    StrCpy $LANGUAGE ${LANG_ITALIAN}
  ${Else}
    !insertmacro ${ASK}
  ${EndIf}
!macroend

!macro Common un

Function ${un}GiveUp ; $0: the exit status, $1: a sentence
  ${IfNot} ${Silent}
    MessageBox MB_OK|MB_ICONEXCLAMATION "$1"
  ${EndIf}
  SetErrorLevel $0
  Quit
FunctionEnd

Function ${un}BeAlone ; two installations at once would take each other's files away
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Local\${NAME}-installer") p .s ?e'
  Pop $0
  Pop $Alone
  ${If} $0 = 183 ; ERROR_ALREADY_EXISTS
    StrCpy $0 ${BUSY}
    StrCpy $1 "$(AnotherInstaller)"
    Call ${un}GiveUp
  ${EndIf}
FunctionEnd

Function ${un}UseScope ; for whom: where the registry and the menus are written
  ${If} $Everyone = 1
    SetShellVarContext all
  ${Else}
    SetShellVarContext current
  ${EndIf}
FunctionEnd

Function ${un}IsAdministrator ; pushes 1 or 0
  UserInfo::GetAccountType ; of this process, not of the person
  Pop $0
  ${If} $0 == "Admin"
    Push 1
  ${Else}
    Push 0
  ${EndIf}
FunctionEnd

Function ${un}IsFree ; pushes 1 where nothing runs of what is installed: Windows lets nobody write to what runs
  StrCpy $0 1
  ${If} ${FileExists} "${PROGRAM}"
    ClearErrors
    FileOpen $2 "${PROGRAM}" a
    ${If} ${Errors}
      StrCpy $0 0
    ${Else}
      FileClose $2
    ${EndIf}
  ${EndIf}
  ${If} ${FileExists} "${TERMINAL}"
    ClearErrors
    FileOpen $2 "${TERMINAL}" a
    ${If} ${Errors}
      StrCpy $0 0
    ${Else}
      FileClose $2
    ${EndIf}
  ${EndIf}
  Push $0
FunctionEnd

Function ${un}EndRunning ; the window is asked to end, and writes what it has; nothing is ended by force
  Call ${un}IsFree
  Pop $0
  ${If} $0 = 1
    Return
  ${EndIf}
  ${IfNot} ${Silent}
    MessageBox MB_OKCANCEL|MB_ICONINFORMATION "$(IsRunning)" IDOK ask
    SetErrorLevel ${GIVEN_UP}
    Quit
  ${EndIf}
  ask:
  DetailPrint "$(Ending)"
  ExecWait '"${PROGRAM}" quit'
  ${For} $4 1 ${WAITS}
    Call ${un}IsFree
    Pop $0
    ${If} $0 = 1
      Return
    ${EndIf}
    Sleep 200
  ${Next}
  ${IfNot} ${Silent}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "$(StillRunning)" IDRETRY ask
    SetErrorLevel ${GIVEN_UP}
    Quit
  ${EndIf}
  StrCpy $0 ${RUNNING}
  Call ${un}GiveUp
FunctionEnd

Function ${un}TellShell ; files look otherwise from now on
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)' ; SHCNE_ASSOCCHANGED
FunctionEnd

!macroend
!insertmacro Common ""
!insertmacro Common "un."

; -- before the first page --------------------------------------------------------------------------------------------

Function .onInit
  ${If} $INSTDIR != "${NOWHERE}"
    StrCpy $Given $INSTDIR
  ${EndIf}
  SetRegView 64
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastBuild} 17763 ; Windows 10 of October 2018, the oldest that Qt 6 runs on
    StrCpy $0 ${TOO_OLD}
    StrCpy $1 "$(TooOld)"
    Call GiveUp
  ${EndIf}
  !insertmacro Speak MUI_LANGDLL_DISPLAY
  Call BeAlone
  Call ReadCommand
  Call ChooseFolder
  ${If} $Everyone = 1
    Call IsAdministrator
    Pop $0
    ${If} $0 = 0
    ${AndIf} ${Silent}
      StrCpy $0 ${DENIED}
      StrCpy $1 ""
      Call GiveUp
    ${EndIf}
  ${EndIf}
FunctionEnd

Function ReadCommand
  StrCpy $Everyone 0
  StrCpy $Fixed 0
  StrCpy $OnDesktop 0
  StrCpy $After 0
  ReadRegStr $1 HKCU "${UNINSTALL_KEY}" "InstallLocation"
  ReadRegStr $2 HKLM "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $1 == ""
  ${AndIf} $2 != ""
    StrCpy $Everyone 1 ; it is installed so
  ${EndIf}
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/AllUsers" $1
  ${IfNot} ${Errors}
    StrCpy $Everyone 1
    StrCpy $Fixed 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/CurrentUser" $1
  ${IfNot} ${Errors}
    StrCpy $Everyone 0
    StrCpy $Fixed 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/DESKTOP" $1
  ${IfNot} ${Errors}
    StrCpy $OnDesktop 1
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/After" $1
  ${IfNot} ${Errors}
    StrCpy $After 1
  ${EndIf}
FunctionEnd

Function ChooseFolder ; where it is already, else where such programs are; /D= wins
  Call UseScope
  ReadRegStr $1 SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  StrCpy $Upgraded 0
  ${If} $1 != ""
    StrCpy $Upgraded 1
  ${EndIf}
  ${If} ${FileExists} "$DESKTOP\${NAME}.lnk"
    StrCpy $OnDesktop 1
  ${EndIf}
  ${If} $Given != ""
    StrCpy $INSTDIR $Given
  ${ElseIf} $1 != ""
    StrCpy $INSTDIR $1
  ${ElseIf} $Everyone = 1
    StrCpy $INSTDIR "$PROGRAMFILES64\${NAME}"
  ${Else}
    StrCpy $INSTDIR "$LOCALAPPDATA\Programs\${NAME}"
  ${EndIf}
FunctionEnd

; -- pages ------------------------------------------------------------------------------------------------------------

Function AskForWhom
  ${If} $After = 1
    Abort
  ${EndIf}
  !insertmacro MUI_HEADER_TEXT "$(ForWhomTitle)" "$(ForWhomText)"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateRadioButton} 0 8u 100% 12u "$(ForMe)"
  Pop $OnlyMe
  ${NSD_CreateLabel} 12u 22u 95% 18u "$(ForMeText)"
  Pop $0
  ${NSD_CreateRadioButton} 0 46u 100% 12u "$(ForEveryone)"
  Pop $ForAll
  ${NSD_CreateLabel} 12u 60u 95% 18u "$(ForEveryoneText)"
  Pop $0
  ${NSD_CreateCheckBox} 0 96u 100% 12u "$(DesktopIcon)"
  Pop $Box
  ${NSD_SetState} $Box $OnDesktop
  ${If} $Everyone = 1
    ${NSD_Check} $ForAll
  ${Else}
    ${NSD_Check} $OnlyMe
  ${EndIf}
  ${If} $Fixed = 1
    EnableWindow $OnlyMe 0
    EnableWindow $ForAll 0
  ${EndIf}
  nsDialogs::Show
FunctionEnd

Function TakeForWhom
  ${NSD_GetState} $Box $OnDesktop
  ${NSD_GetState} $ForAll $0
  ${If} $0 <> $Everyone
    StrCpy $Everyone $0
    Call ChooseFolder
    ${NSD_GetState} $Box $OnDesktop
  ${EndIf}
  ${If} $Everyone = 1
    Call IsAdministrator
    Pop $0
    ${If} $0 = 0
      Call AskAdministrator
    ${EndIf}
  ${EndIf}
FunctionEnd

Function AskAdministrator ; Windows asks, and starts this installer anew
  StrCpy $1 ""
  ${If} $OnDesktop = 1
    StrCpy $1 "/DESKTOP"
  ${EndIf}
  ${If} $Given != ""
    StrCpy $1 "$1 /D=$Given"
  ${EndIf}
  System::Call 'kernel32::CloseHandle(p $Alone)'
  ClearErrors
  ExecShell "runas" "$EXEPATH" "/AllUsers /After $1"
  ${If} ${Errors}
    Call BeAlone
    MessageBox MB_OK|MB_ICONEXCLAMATION "$(NoAdministrator)"
    Abort
  ${EndIf}
  Quit
FunctionEnd

Function SkipIfUpgraded ; it stays where it is
  ${If} $Upgraded = 1
    Abort
  ${EndIf}
FunctionEnd

Function Start ; by Explorer, so that it has the person's own rights and not an administrator's
  Exec '"$WINDIR\explorer.exe" "${PROGRAM}"'
FunctionEnd

!include "${SOURCE}/install.nsh"
!include "${SOURCE}/uninstall.nsh"
