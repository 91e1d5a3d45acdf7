"""The words that Japanese names of columns and tables are made of. Facts, and no code."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["ABOUT_JA", "NEUTRAL_JA", "PEOPLE_JA", "PHRASES_JA", "THINGS_JA"]


def _weighted(said: dict[str, dict[int, str]]) -> MappingProxyType[str, tuple[str, int]]:
    return MappingProxyType(
        {
            word: (kind, points)
            for kind, weights in said.items()
            for points, words in weights.items()
            for word in words.split()
        }
    )


PHRASES_JA: Final = _weighted(
    {
        "name": {
            36: "氏名 姓名 名前 お名前 フリガナ ふりがな よみがな ヨミガナ 苗字 名字 旧姓 本名 担当者名 代表者名 宛名 名義人 作成者名 更新者名 申込者 受取人 差出人",
            24: "姓 セイ メイ せい めい カナ かな 通称 ニックネーム 敬称",
            22: "担当者 代表者",
        },
        "email": {36: "メールアドレス メアド Eメール eメール 電子メール メール"},
        "phone": {36: "電話番号 電話 携帯電話 携帯 携帯番号 連絡先 FAX番号 ファックス ファクス fax番号 fax tel"},
        "address": {
            36: "住所 現住所 郵便番号 〒 番地 居所 お届け先 配送先 送付先 都道府県 市区町村 市町村 町名 建物名 マンション名 部屋番号 所在地",
        },
        "birthday": {38: "生年月日 誕生日 年齢 生年 出生日"},
        "gender": {36: "性別 男女区分"},
        "account": {26: "ログインid ログイン名 ユーザー名 ユーザ名 アカウント名"},
        "credential": {34: "パスワード 暗証番号 秘密の質問 秘密の答え 認証コード"},
        "official_id": {
            40: "個人番号 マイナンバー 免許証番号 運転免許 旅券番号 パスポート番号 保険証番号 被保険者番号 基礎年金番号 在留カード番号"
        },
        "person_number": {
            22: "会員番号 顧客番号 社員番号 従業員番号 職員番号 学籍番号 患者番号 社員コード 顧客コード 会員コード 登録番号"
        },
        "bank_account": {36: "口座番号 口座名義 銀行口座 銀行名 支店名 口座種別 口座"},
        "card": {36: "カード番号 クレジットカード カード名義 セキュリティコード"},
        "income": {32: "給与 年収 収入 所得 月給 賞与 手当 報酬 時給"},
        "ip_address": {32: "ipアドレス"},
        "online_id": {26: "端末id lineid 端末識別"},
        "location": {18: "緯度 経度 位置情報"},
        "photo": {26: "顔写真 プロフィール画像 本人写真"},
        "health": {36: "血液型 病名 病歴 既往歴 アレルギー 障害 身長 体重 健康 診断 服薬"},
        "origin": {36: "国籍 出身地 本籍 本籍地 出身 宗教 信条 人種 犯罪歴"},
        "family": {32: "家族 配偶者 続柄 扶養 婚姻 保護者 緊急連絡先"},
        "occupation": {30: "職業 勤務先 職種 会社名 学校名 役職"},
        "profile": {22: "プロフィール 自己紹介 趣味"},
        "notes": {
            14: "備考 メモ 特記事項 コメント 感想 意見 ご意見 お問い合わせ内容 問合せ内容 要望 相談内容 メッセージ"
        },
    }
)
PEOPLE_JA: Final = tuple(
    "顧客 会員 社員 従業員 職員 利用者 ユーザー ユーザ お客様 個人 患者 学生 生徒 児童 保護者 申込者 契約者 被保険者 受取人 担当者 注文者 "
    "配送先 お届け先 応募者 参加者 名簿 友達 住民 受講者 講師 教員 スタッフ 管理者 代表者 購入者 上司 世帯主 寄附者 宛先 作成者 更新者 請求先".split()
)
THINGS_JA: Final = tuple(
    "商品 製品 会社 法人 企業 店舗 店 支店 部署 部門 役職 仕入先 取引先 業者 事務所 施設 工場 倉庫 銀行 学校 病院 区分 種別 分類 カテゴリ 項目 品 "
    "ファイル 画面 テーブル プラン コース 料金 支払方法 都道府県 地域 メーカー ブランド 組織 団体 サービス 教室 会場 科目 拠点 機関 部品 所属".split()
)
ABOUT_JA: Final = tuple(
    "区分 フラグ 種別 日時 日 件数 回数 id 状態 可否 有無 形式 順 更新日 登録日 送信日 設定 数 種類 期限 期間 率 単位".split()
)
NEUTRAL_JA: Final = tuple("番号 名 カナ かな コード 欄 情報 漢字 ローマ字 英字 等 上 下".split())
