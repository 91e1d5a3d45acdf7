# As it was written for SQLAlchemy 1, and as Flask-SQLAlchemy still is.
from sqlalchemy import Boolean, Column, Date, DateTime, ForeignKey, Integer, String, Table, Text
from sqlalchemy.orm import DeclarativeBase, deferred, relationship
from sa_privacy import DataSubject, Encrypted, pii_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = 'customer'
    __data_subject__ = DataSubject("customer", key="id")
    id = Column(Integer, primary_key=True)
    name = pii_column(String(64), nullable=False, category="name")
    email = pii_column(String(120), index=True, unique=True, category="e_mail", lookup="casefold")
    telNo = pii_column('tel_no', String, category="phone")
    dob = pii_column(Date, nullable=True, category="birthday")
    login = pii_column(String(20), unique=True, category="account", encrypt=False)
    about_me = deferred(Column(Text()))
    email_sent_at = Column(DateTime)
    active = Column(Boolean, default=True)
    letters = relationship('Letter', back_populates='customer')


class Letter(Base):
    __tablename__ = 'letter'
    __data_subject__ = DataSubject("customer", via="customer_id")
    id = Column(Integer, primary_key=True)
    customer_id = Column(Integer, ForeignKey('customer.id'))
    delivery_address = pii_column(String(200), category="address")
    customer = relationship('Customer', back_populates='letters')


staff = Table('staff', Base.metadata, Column('id', Integer, primary_key=True), Column('family_name', Encrypted(String(40), category="name")), info={"data_subject": DataSubject("staff", key="id")})
members = Table(
    'members',
    Base.metadata,
    Column('id', Integer, primary_key=True),
    Column('furigana', Encrypted(String(40), category="name")),
    Column('seinengappi', Encrypted(Date, category="birthday")),
    info={"data_subject": DataSubject("member", key="id")},
)
